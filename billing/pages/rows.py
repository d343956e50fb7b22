"""Lines of long tables, made once a row: the template's own filters would cost more than the query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.changes.models import ChangeRequest
from billing.mirror.queries import CustomerRow
from billing.pages.templatetags.countersign import NO_VALUE, change_link, change_status, day, key, status

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """One customer as the list draws it. Everything but the plain text is escaped already."""

    name: str
    url: str
    is_muted: bool
    status: SafeString
    alias: SafeString
    more_aliases: str
    plan: str
    more_plans: int
    created: SafeString
    request: SafeString


def customer_lines(
    rows: Iterable[CustomerRow], open_requests: dict[UUID, ChangeRequest]
) -> list[CustomerLine]:
    """The lines of the customers list."""
    address = reverse("billing:customer", args=[NOBODY])
    return [
        CustomerLine(
            name=row.name,
            url=address.replace(str(NOBODY), str(row.id)),
            is_muted=bool(row.archived_at or row.missing_since),
            status=customer_status(row),
            alias=_first_alias(row),
            more_aliases=f"{row.alias_count - 1:,}" if row.alias_count > 1 else "",
            plan=row.plan_names[0] if row.plan_names else "",
            more_plans=max(0, len(row.plan_names) - 1),
            created=day(row.created_at),
            request=_request(open_requests.get(row.id)),
        )
        for row in rows
    ]


def customer_status(row) -> SafeString:
    """Active, archived or missing; for a line of the list and for the customer's own page."""
    if row.missing_since:
        return status("warn", "mark-stale", "Missing")
    if row.archived_at:
        return status("plain", "mark-archived", "Archived")
    return status("good", "mark-active", "Active")


def _first_alias(row: CustomerRow) -> SafeString:
    if not row.aliases:
        return NO_VALUE
    return format_html('<span class="clip" title="{}">{}</span>', row.aliases[0], key(row.aliases[0]))


def _request(change: ChangeRequest | None) -> SafeString:
    if change is None:
        return SafeString("")
    return format_html("{} {}", change_link(change.reference), change_status(change))
