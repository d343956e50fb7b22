"""Rows of long tables, made in one pass: as templates they took longer than everything else."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from html import escape
from uuid import UUID

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from billing.changes.models import ChangeRequest
from billing.mirror.queries import CustomerRow
from billing.pages.markup import format_html
from billing.pages.templatetags.countersign import (
    NO_VALUE,
    change_link,
    change_status,
    day,
    key,
    status,
)

NOBODY = UUID(int=0)
NOTHING = mark_safe("")
CUSTOMER = """
<tr{muted}>
  <th scope="row"><a class="name" href="{url}"><bdi>{name}</bdi></a></th>
  <td>{status}</td>
  <td class="nowrap">{alias}</td>
  <td>{plan}</td>
  <td class="nowrap">{created}</td>
  <td class="nowrap">{request}</td>
</tr>"""


def customer_rows(rows: Iterable[CustomerRow], open_requests: dict[UUID, ChangeRequest]) -> SafeString:
    """The rows of the customers list.

    Put together as plain texts, with each text from outside escaped where it is put in: as markup that knows
    of itself that it is safe, fifty rows took 3 ms more than the 0.4 that they take.
    """
    address = reverse("billing:customer", args=[NOBODY])
    drawn = [
        CUSTOMER.format(
            muted=" data-muted" if row.archived_at or row.missing_since else "",
            url=address.replace(str(NOBODY), str(row.id)),
            name=escape(row.name),
            status=customer_status(row),
            alias=_first_alias(row),
            plan=f"<bdi>{escape(row.plan_names[0])}</bdi>" + _more(len(row.plan_names))
            if row.plan_names
            else "",
            created=day(row.created_at),
            request=_request(open_requests.get(row.id)),
        )
        for row in rows
    ]
    return mark_safe("".join(drawn))  # noqa: S308 each text in it is escaped above


def customer_status(row) -> SafeString:
    """Active, archived or missing; for a row of the list and for the customer's own page."""
    return _standing(bool(row.missing_since), bool(row.archived_at))


@cache
def _standing(is_missing: bool, is_archived: bool) -> SafeString:
    if is_missing:
        return status("warn", "mark-stale", "Missing")
    if is_archived:
        return status("plain", "mark-archived", "Archived")
    return status("good", "mark-active", "Active")


def _first_alias(row: CustomerRow) -> str:
    if not row.aliases:
        return NO_VALUE
    alias = row.aliases[0]
    return f'<span class="clip" title="{escape(alias)}">{key(alias)}</span>{_more(row.alias_count)}'


def _first_plan(row: CustomerRow) -> str:
    if not row.plan_names:
        return ""
    return f"<bdi>{escape(row.plan_names[0])}</bdi>{_more(len(row.plan_names))}"


@lru_cache
def _more(number: int) -> SafeString:
    """How many there are besides the one that is shown."""
    return format_html(' <span class="quiet nowrap">+{}</span>', f"{number - 1:,}") if number > 1 else NOTHING


def _request(change: ChangeRequest | None) -> SafeString:
    if change is None:
        return NOTHING
    return format_html("{} {}", change_link(change.reference), change_status(change))
