"""What a list of customers can be narrowed by, and the one queryset that its page, count and CSV share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import Now

from billing.lists.conditions import IsAnyOf
from billing.lists.paging import FilterRefused, is_storable
from billing.mirror.models import Customer, CustomerPlan
from billing.mirror.searching import asked_of_each, has, ways

STATUSES = {"active": "Active", "archived": "Archived", "all": "Active and archived", "missing": "Missing"}
SORTS = ("name", "-name", "created_at", "-created_at")
LONGEST_SEARCH = 400


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """`q`: beginnings of words of the name, the beginning of an alias or external id, or a whole id.

    Capitals, accents, the Unicode form and the kind of dash or quote make no difference.

    Raises FilterRefused when made of what makes no sense.
    """

    q: str = ""
    status: str = "active"
    plan_id: UUID | None = None
    sort: str = "name"

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise FilterRefused(f"There is no status “{self.status[:40]}”.")
        if self.sort not in SORTS:
            raise FilterRefused(f"Customers can’t be sorted by “{self.sort[:40]}”.")
        if len(self.q) > LONGEST_SEARCH:
            raise FilterRefused(f"The search is longer than {LONGEST_SEARCH} characters.")
        if not is_storable(self.q):
            raise FilterRefused("The search holds a character that no name or alias can hold.")

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> CustomerFilter:
        """The filter that an address says: `q`, `status`, `plan`, `sort`. Raises FilterRefused."""
        plan = query.get("plan", "").strip()
        try:
            plan_id = UUID(plan) if plan else None
        except ValueError as problem:
            raise FilterRefused(f"“{plan[:40]}” is not a plan’s id.") from problem
        return cls(
            q=query.get("q", "").strip(),
            status=query.get("status") or "active",
            plan_id=plan_id,
            sort=query.get("sort") or "name",
        )

    @property
    def is_narrow(self) -> bool:
        """Whether more than the status narrows the list."""
        return bool(self.q or self.plan_id)

    def as_json(self) -> dict[str, str]:
        """The filter as an audit row and an address keep it; what is not set is left out."""
        given = {"q": self.q, "status": self.status, "plan": str(self.plan_id or ""), "sort": self.sort}
        return {name: value for name, value in given.items() if value}

    def rows(self) -> QuerySet[Customer]:
        """The customers that it lets through, in no order: for somebody who reads all of them."""
        customers = Customer.objects.filter(_STATUS_CONDITIONS[self.status])
        if self.plan_id:
            customers = customers.filter(IsAnyOf("pk", ArraySubquery(self._subscribers())))
        if self.q:
            found = [way.values("pk") for way in ways(self.q)]
            if not found:
                return customers.none()
            customers = customers.filter(IsAnyOf("pk", ArraySubquery(found[0].union(*found[1:]))))
        return customers

    def first_ids(self, limit: int) -> set[UUID]:
        """The ids of all that it lets through, or of `limit` of them if there are more. One query."""
        customers = Customer.objects.filter(_STATUS_CONDITIONS[self.status])
        if self.plan_id:
            customers = customers.filter(pk__in=self._subscribers())
        found = [customers & way for way in ways(self.q)] if self.q else [customers]
        first = [way.values_list("pk", flat=True)[:limit] for way in found]
        ids = set(first[0].union(*first[1:], all=True)) if first else set()
        return set(islice(ids, limit))

    def in_passing(self) -> QuerySet[Customer]:
        """The same customers as `rows`, each asked as it is passed: for one page of many."""
        customers = Customer.objects.filter(_STATUS_CONDITIONS[self.status])
        if self.plan_id:
            own = current_plans().filter(customer=OuterRef("pk"), plan_id=self.plan_id)
            customers = customers.filter(has(own))
        return customers.filter(asked_of_each(self.q)) if self.q else customers

    def _subscribers(self) -> QuerySet[CustomerPlan]:
        return current_plans().filter(plan_id=self.plan_id).values("customer_id")


_STATUS_CONDITIONS = {
    "active": Q(archived_at__isnull=True, missing_since__isnull=True),
    "archived": Q(archived_at__isnull=False, missing_since__isnull=True),
    "all": Q(missing_since__isnull=True),
    "missing": Q(missing_since__isnull=False),
}


def current_plans() -> QuerySet[CustomerPlan]:
    """Subscriptions that have not ended: running ones and those that begin later."""
    return CustomerPlan.objects.filter(
        Q(ending_before__isnull=True) | Q(ending_before__gt=Now()), missing_since__isnull=True
    )
