"""People: who may come in and as what, for administrators and auditors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from billing.changes.models import ChangeRequest
from billing.changes.statuses import OPEN
from billing.lists.csv import as_utc
from billing.lists.paging import FilterRefused, Slice, is_storable
from billing.pages.listing import Column, Input, ListPage
from billing.pages.templatetags.countersign import instant, status
from billing.people.tokens import AccessToken
from billing.roles import Can, Role
from billing.users import Access, User

SORTS = {"name": F("name"), "role": F("role"), "seen": F("last_login")}
NEVER = mark_safe('<span class="quiet">never</span>')
LOOKS = {
    Access.ACTIVE: ("good", "mark-active"),
    Access.ENDED: ("warn", "lock"),
    Access.LEFT: ("plain", "mark-archived"),
}


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Whose name or sign-in name has these words, of a role and an access."""

    q: str = ""
    role: str = ""
    access: str = ""
    sort: str = "name"

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> PeopleFilter:
        """The filter of an address. Raises FilterRefused."""
        given = cls(*(query.get(name, "").strip() for name in ("q", "role", "access", "sort")))
        if not is_storable(given.q):
            raise FilterRefused("The search has a character that no name has.")
        if given.role and given.role not in Role.values:
            raise FilterRefused(f"There is no role “{given.role[:40]}”.")
        if given.access and given.access not in Access.values:
            raise FilterRefused(f"Access is never “{given.access[:40]}”.")
        if given.sort and given.sort.removeprefix("-") not in SORTS:
            raise FilterRefused(f"People can’t be sorted by “{given.sort[:40]}”.")
        return cls(given.q, given.role, given.access, given.sort or "name")

    def as_json(self) -> dict[str, str]:
        set_ = {name: getattr(self, name) for name in ("q", "role", "access") if getattr(self, name)}
        return set_ | ({} if self.sort == "name" else {"sort": self.sort})

    def rows(self) -> QuerySet[User]:
        """The people that it lets through, in order, with what they hold."""
        people = User.objects.annotate(
            access_word=Case(
                When(is_active=True, then=Value(Access.ACTIVE.value)),
                When(left_at=None, then=Value(Access.ENDED.value)),
                default=Value(Access.LEFT.value),
            ),
            own_open=_number(ChangeRequest.objects.filter(maker=OuterRef("pk"), status__in=sorted(OPEN))),
            tokens=_number(
                AccessToken.objects.filter(owner=OuterRef("pk"), revoked_at=None, expires_at__gt=Now())
            ),
        )
        if self.q:
            people = people.filter(Q(name__icontains=self.q) | Q(username__icontains=self.q))
        if self.role:
            people = people.filter(role=self.role)
        if self.access:
            people = people.filter(access_word=self.access)
        by = SORTS[self.sort.removeprefix("-")]
        falls = self.sort.startswith("-")
        return people.order_by(by.desc(nulls_last=True) if falls else by.asc(nulls_first=True), "name", "pk")


def _number(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values(each=Value(1)).annotate(number=Count("pk"))
    return Coalesce(Subquery(counted.values("number")), 0)


def standing(person: User) -> SafeString:
    """Whether somebody may come in, as a status."""
    return status(*LOOKS[person.access], person.access.label)


def _name(row: User) -> SafeString:
    return format_html(
        '<a class="name" href="{}"><bdi>{}</bdi></a> <span class="sub"><bdi>{}</bdi></span>',
        reverse("billing:person", args=[row.pk]),
        row.name,
        row.username,
    )


def _seen(row: User) -> Any:
    return instant(row.last_login) if row.last_login else NEVER


class People(ListPage):
    """Everybody who has, or had, an account."""

    name = "people"
    title = "People"
    noun = ("person", "people")
    may = (Can.SEE_PEOPLE,)
    icon = "people"
    place = "record"
    filter = PeopleFilter
    inputs = (
        Input("q", "Name or sign-in name", "search"),
        Input("role", "Role", "choice", lambda: Role.choices),
        Input("access", "Access", "choice", lambda: Access.choices),
    )
    columns = (
        Column("Person", _name, {"name": "name", "signs_in_as": "username"}, sort="name"),
        Column("Role", lambda row: row.get_role_display(), {"role": "role"}, sort="role"),
        Column(
            "Last signed in",
            _seen,
            {"last_signed_in": as_utc("last_login")},
            sort="seen",
            falls=True,
            look="nowrap",
        ),
        Column(
            "Open requests", lambda row: f"{row.own_open:,}", {"open_requests": F("own_open")}, look="num"
        ),
        Column("Live tokens", lambda row: f"{row.tokens:,}", {"live_tokens": F("tokens")}, look="num"),
        Column("Access", standing, {"access": F("access_word"), "deactivated": as_utc("left_at")}),
    )
    none_left = ("Nobody is left by these filters", "Search looks at names and at what people sign in with.")

    def page(self, wanted: PeopleFilter, cursor: str | None = None) -> Slice[User]:
        return Slice(list(wanted.rows()), None, None)

    def rows(self, wanted: PeopleFilter) -> QuerySet[User]:
        return wanted.rows()

    def is_muted(self, row: User) -> bool:
        return not row.is_active

    def more(self, request: HttpRequest, wanted: PeopleFilter, page: Slice[User]) -> dict[str, Any]:
        return {"count": len(page.rows), "about": "Open requests are those that they proposed"}
