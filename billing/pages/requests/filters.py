"""What the list of change requests can be narrowed by; the page, its live part and its file share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT

from billing.audit.events import Event
from billing.audit.queries import AuditFilter, read_moment
from billing.changes.asking.kinds import KINDS
from billing.changes.models import Call, ChangeRequest, Decision
from billing.changes.statuses import Status
from billing.lists.conditions import IsAnyOf
from billing.lists.paging import FilterRefused, is_storable
from billing.lists.references import is_reference, reference_meant
from billing.mirror.resources.customer.filters import CustomerFilter

LONGEST = 400
MOST_CUSTOMERS = 1_000
"""Customers that a search for one may mean; beyond that it says nothing about requests."""


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """text: a request's number as people write it, or beginnings of words of the sentence, the reason given
    or the maker's name.
    person: the username of who proposed or decided. customer: as its own list searches it.

    since is inclusive, until exclusive; both are aware. Raises FilterRefused when made of nonsense.
    """

    text: str = ""
    kind: str = ""
    person: str = ""
    customer: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.kind and self.kind not in KINDS:
            raise FilterRefused(f"There is no kind “{self.kind[:40]}”.")
        if self.status and self.status not in Status.values:
            raise FilterRefused(f"There is no status “{self.status[:40]}”.")
        for given in (self.text, self.person, self.customer):
            if len(given) > LONGEST:
                raise FilterRefused(f"The search is longer than {LONGEST} characters.")
            if not is_storable(given):
                raise FilterRefused("The search holds a character that no request can hold.")
        if self.since and self.until and self.since >= self.until:
            raise FilterRefused("The end of the time is not after its beginning.")

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> RequestFilter:
        """The filter of an address: `q`, `kind`, `person`, `customer`, `status`, `since`, `until`.

        A date means that whole day in UTC, also as `until`. Raises FilterRefused.
        """
        return cls(
            text=query.get("q", "").strip(),
            kind=query.get("kind", "").strip(),
            person=query.get("person", "").strip(),
            customer=query.get("customer", "").strip(),
            status=query.get("status", "").strip(),
            since=read_moment(query.get("since", "")),
            until=read_moment(query.get("until", ""), is_end=True),
        )

    def as_json(self) -> dict[str, str]:
        """The filter as an audit row keeps it; what is not set is left out."""
        given = {
            "q": self.text,
            "kind": self.kind,
            "person": self.person,
            "customer": self.customer,
            "status": self.status,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in given.items() if value}

    def narrow(self, rows: QuerySet[ChangeRequest]) -> QuerySet[ChangeRequest]:
        """Those of the requests that it lets through, in their own order."""
        if self.kind:
            rows = rows.filter(kind=self.kind)
        if self.status:
            rows = rows.filter(status=self.status)
        if self.since:
            rows = rows.filter(submitted_at__gte=self.since)
        if self.until:
            rows = rows.filter(submitted_at__lt=self.until)
        if self.person:
            decided = Decision.objects.filter(checker__username=self.person).values("change_id")
            rows = rows.filter(Q(maker__username=self.person) | Q(pk__in=decided))
        if self.customer:
            rows = rows.filter(self._about_customer())
        return rows.filter(self._says()) if self.text else rows

    def _says(self) -> Q:
        """The record keeps an index of what was proposed by its words, so it is asked."""
        reference = Q(reference=reference_meant(self.text) or "")
        if is_reference(self.text):
            return reference
        proposed = AuditFilter(text=self.text, event=Event.CHANGE_SUBMITTED).rows()
        return reference | Q(IsAnyOf("reference", ArraySubquery(proposed.order_by().values("reference"))))

    def _about_customer(self) -> Q:
        found = CustomerFilter(q=self.customer, status="all").rows().values_list("pk", flat=True)
        ids = list(found[: MOST_CUSTOMERS + 1])
        if len(ids) > MOST_CUSTOMERS:
            raise FilterRefused(f"More than {MOST_CUSTOMERS:,} customers are meant; say more of the name.")
        made = Call.objects.filter(operation="customers.create").alias(made=KT("result__id"))
        creating = made.filter(made__in=[str(each) for each in ids]).values("change_id")
        about = ChangeRequest.objects.filter(customer_id__in=ids).order_by().values("pk")
        return Q(IsAnyOf("pk", ArraySubquery(about.union(creating.order_by()))))  # each arm has an index
