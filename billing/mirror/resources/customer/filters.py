"""What a list of customers can be narrowed by, and the one queryset that its page, count and CSV share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from billing.lists.conditions import IsAnyOf
from billing.lists.paging import FilterRefused, Shape, check_search, id_asked_for
from billing.lists.prepared import Question, kept, no_id
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.customer.searching import asked_of_each, ways
from billing.mirror.resources.subscription import CustomerPlan, current_plans
from billing.mirror.searching import ANY_SEARCH, ANY_WORDS, LONGEST_SEARCH, has, is_plain, searched

STATUSES = {"active": "Active", "archived": "Archived", "all": "Active and archived", "missing": "Missing"}
SORTS = ("name", "-name", "created_at", "-created_at")


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
        check_search(self.q, LONGEST_SEARCH, "no name or alias can")

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> CustomerFilter:
        """The filter that an address says: `q`, `status`, `plan`, `sort`. Raises FilterRefused."""
        return cls(
            q=query.get("q", "").strip(),
            status=query.get("status") or "active",
            plan_id=id_asked_for(query, "plan"),
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
        return set(map(UUID, self.first(limit)))

    def first(self, limit: int) -> list[str]:
        """The same ids as texts: to make a thousand UUIDs takes longer than to find them.

        Planned for what is searched, since which way is best hangs on how many are found.
        """
        shape = self.shape("first", lambda wanted: wanted._first(limit))
        found = kept(
            shape.key and (*shape.key, limit),
            lambda: Question(shape.rows(), planned_anew=True, **shape.stand_ins),
        )
        return list({row[0] for row in found.rows(**shape.values)})[:limit]

    def _first(self, limit: int) -> QuerySet[Customer]:
        customers = Customer.objects.filter(_STATUS_CONDITIONS[self.status])
        if self.plan_id:
            customers = customers.filter(pk__in=self._subscribers())
        found = [customers & way for way in ways(self.q)] if self.q else [customers]
        first = [way.values_list(Cast("pk", TextField()))[:limit] for way in found]
        return first[0].union(*first[1:], all=True) if first else customers.none().values_list("pk")

    def in_passing(self) -> Shape:
        """The same customers as `rows`, each asked as it is passed: for one page of many."""
        customers = Customer.objects.filter(_STATUS_CONDITIONS[self.status])
        if self.plan_id:
            own = current_plans().filter(customer=OuterRef("pk"), plan_id=self.plan_id)
            customers = customers.filter(has(own))
        return customers.filter(asked_of_each(self.q)) if self.q else customers

    def shape(self, name: str, rows: Callable[[CustomerFilter], QuerySet[Customer]]) -> Shape:
        """What `rows` makes of this filter, put together once for all that differ in text and plan alone."""
        if self.q and not is_plain(self.q):
            return Shape(None, lambda: rows(self))
        alike = replace(self, q=self.q and ANY_WORDS, plan_id=self.plan_id and no_id("plan"))
        stand_ins, values = {"plan": no_id("plan"), **ANY_SEARCH}, {"plan": self.plan_id, **searched(self.q)}
        key = (name, self.status, bool(self.q), bool(self.plan_id))
        # Only a plan for this text takes it apart once, and not again for each row that passes.
        return Shape(key, lambda: rows(alike), stand_ins, values, planned_anew=bool(self.q))

    def _subscribers(self) -> QuerySet[CustomerPlan]:
        return current_plans().filter(plan_id=self.plan_id).values("customer_id")


_STATUS_CONDITIONS = {
    "active": Q(archived_at__isnull=True, missing_since__isnull=True),
    "archived": Q(archived_at__isnull=False, missing_since__isnull=True),
    "all": Q(missing_since__isnull=True),
    "missing": Q(missing_since__isnull=False),
}
