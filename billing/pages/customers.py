"""One customer: everything the mirror and our own record know of it. The list is in `nouns/customer.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from billing.audit import queries as audit
from billing.changes import queries as changes
from billing.changes.asking.kinds import KINDS, Kind
from billing.changes.holds import WHOLE, Held, held, of_itself
from billing.changes.models import Hold
from billing.control.models import Environment
from billing.lists.prepared import Records, no_text
from billing.mirror import contracts, fanout
from billing.mirror import queries as mirror
from billing.mirror.contracts import SHOWN_OF_A_CUSTOMER
from billing.pages import freshness
from billing.pages.access import needs
from billing.pages.nouns.contract import contract_status
from billing.pages.nouns.customer import customer_status
from billing.pages.web import render_page
from billing.roles import Can

SHOWN_ALIASES = 24
SHOWN_REQUESTS = 10
SHOWN_EVENTS = 10
METRONOME_APP = "https://app.metronome.com/customers/"


@needs(Can.BROWSE)
@require_safe
def customer(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """Everything the mirror and our own record know about one customer."""
    found = mirror.customer(customer_id)
    if found is None:
        raise Http404(f"The mirror knows no customer {customer_id}")
    account = mirror.freshness()
    requests = changes.latest_for_customer(customer_id, SHOWN_REQUESTS + 1)
    aliases = mirror.aliases_of(customer_id)
    field_keys = mirror.customer_field_keys()
    held, read_at = contracts.of_customer(customer_id), fanout.read_at(customer_id)
    return render_page(
        request,
        "customers/detail",
        customer=found,
        standing=customer_status(found),
        aliases=aliases[:SHOWN_ALIASES],
        folded_aliases=aliases[SHOWN_ALIASES:],
        alias_count=len(aliases),
        plans=mirror.subscriptions_of(customer_id),
        contracts=[(row, contract_status(row)) for row in held[:SHOWN_OF_A_CUSTOMER]],
        are_more_contracts=len(held) > SHOWN_OF_A_CUSTOMER,
        contracts_read_at=read_at["contract"],
        billed_through=contracts.billed_through(customer_id),
        billing_read_at=read_at["billing_configuration"],
        fields=_fields(found.custom_fields, field_keys),
        open_requests=[change for change in requests if change.is_open],
        differing=changes.that_differ(requests),
        past_requests=[change for change in requests if not change.is_open][:SHOWN_REQUESTS],
        offers=offers(customer_id) if request.user.may(Can.PROPOSE) else [],
        events=_events(request, customer_id),
        metronome_url="" if _is_simulated() else f"{METRONOME_APP}{customer_id}",
        freshness=freshness.of_instant(mirror.as_of(found, account), account),
    )


def _is_simulated() -> bool:
    """A simulated customer has no page in Metronome's own app."""
    return settings.METRONOME.environment == Environment.SIMULATOR


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that can be proposed about a customer; `blocked_by` is the open request in its way.

    group: what of the customer it writes first, beside which it is offered; `*` is all of it.
    """

    kind: str
    label: str
    blocked_by: str
    group: str

    @property
    def is_of_a_part(self) -> bool:
        """Whether it is offered beside a part of the page, not in its heading or at its end."""
        return self.group not in ("name", "aliases", WHOLE)


def offers(customer_id: UUID) -> list[Offer]:
    """What can be proposed about a customer, each with the open request that writes to the same facts."""
    whole = f"customer:{customer_id}"
    taken = [(held(row), row.change.reference) for row in _open_holds().asked(owner=whole)]
    offered = [kind for kind in KINDS.values() if kind.writes]
    return [
        Offer(kind.name, kind.label, next(_in_the_way(kind, whole, taken), ""), kind.writes[0])
        for kind in sorted(offered, key=lambda kind: (kind.irreversible, kind.label))
    ]


@cache
def _open_holds() -> Records:
    rows = Hold.objects.filter(is_open=True, owner=no_text("owner")).select_related("change")
    return Records(rows.defer("change__sealed").order_by("pk"), owner=no_text("owner"))


def _in_the_way(kind: Kind, whole: str, taken: list[tuple[Held, str]]) -> Iterator[str]:
    """The open requests that hold what this kind would write."""
    wanted = [of_itself(whole, group) for group in kind.writes]
    return (reference for other, reference in taken if any(each.meets(other) for each in wanted))


def _fields(values: dict[str, Any], keys: list[str]) -> list[tuple[str, Any]]:
    """Custom fields by key: every key that exists, and any value whose key has gone."""
    return [(key, values.get(key)) for key in sorted({*keys, *values})]


def _events(request: HttpRequest, customer_id: UUID) -> list[Any] | None:
    if not request.user.may(Can.READ_AUDIT):
        return None
    return audit.page(audit.AuditFilter(customer_id=customer_id), None, SHOWN_EVENTS).rows
