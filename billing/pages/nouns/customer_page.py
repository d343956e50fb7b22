"""One customer: everything the mirror and our own record know of it. The list is in `customer.py`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from billing import clock
from billing.audit import queries as audit
from billing.changes import queries as changes
from billing.control.models import Environment
from billing.mirror import ages, fanout
from billing.mirror.resources.billing_configuration import billed_through
from billing.mirror.resources.contract import queries as contracts
from billing.mirror.resources.contract.queries import SHOWN_OF_A_CUSTOMER
from billing.mirror.resources.custom_field_key import customer_field_keys
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.subscription import subscriptions_of
from billing.pages import freshness
from billing.pages.detail import DetailPage
from billing.pages.nouns.contract import contract_status
from billing.pages.nouns.customer import Customers, customer_status
from billing.pages.offers import offers
from billing.roles import Can

SHOWN_ALIASES = 24
SHOWN_REQUESTS = 10
SHOWN_EVENTS = 10
WORTH_READING_AFTER = timedelta(minutes=10)
"""As often as the account is refreshed."""
METRONOME_APP = "https://app.metronome.com/customers/"


class CustomerPage(DetailPage):
    """One customer with what hangs on it, what was and is proposed about it, and its record."""

    name = "customer"
    of = Customers
    template = "customers/detail"

    def find(self, thing_id: UUID) -> Customer | None:
        return mirror.customer(thing_id)

    def more(self, request: HttpRequest, thing: Customer) -> dict[str, Any]:
        account = ages.freshness()
        requests = changes.latest_for_customer(thing.pk, SHOWN_REQUESTS + 1)
        aliases = mirror.aliases_of(thing.pk)
        held, read_at = contracts.of_customer(thing.pk), fanout.read_at(thing.pk)
        if request.user.may(Can.REFRESH) and not thing.missing_since:
            _look_at(thing, read_at.values())
        return {
            "customer": thing,
            "standing": customer_status(thing),
            "aliases": aliases[:SHOWN_ALIASES],
            "folded_aliases": aliases[SHOWN_ALIASES:],
            "alias_count": len(aliases),
            "plans": subscriptions_of(thing.pk),
            "contracts": [(row, contract_status(row)) for row in held[:SHOWN_OF_A_CUSTOMER]],
            "are_more_contracts": len(held) > SHOWN_OF_A_CUSTOMER,
            "contracts_read_at": read_at["contract"],
            "billed_through": billed_through(thing.pk),
            "billing_read_at": read_at["billing_configuration"],
            "fields": _fields(thing.custom_fields, customer_field_keys()),
            "open_requests": [change for change in requests if change.is_open],
            "differing": changes.that_differ(requests),
            "past_requests": [change for change in requests if not change.is_open][:SHOWN_REQUESTS],
            "offers": offers(thing.pk) if request.user.may(Can.PROPOSE) else [],
            "events": _events(request, thing.pk),
            "metronome_url": "" if _is_simulated() else f"{METRONOME_APP}{thing.pk}",
            "freshness": freshness.of_instant(ages.as_of(thing, account), account),
            "refresh_url": reverse("billing:customer-refresh", args=[thing.pk]),
        }


def _look_at(customer: Customer, read_at: Iterable[datetime | None]) -> None:
    """Have its lists read next where they are old; who comes again soon moves nothing."""
    since = clock.now() - WORTH_READING_AFTER
    if any(read is None or read < since for read in read_at):
        fanout.look_at(customer.pk)


def _is_simulated() -> bool:
    """A simulated customer has no page in Metronome's own app."""
    return settings.METRONOME.environment == Environment.SIMULATOR


def _fields(values: dict[str, Any], keys: list[str]) -> list[tuple[str, Any]]:
    """Custom fields by key: every key that exists, and any value whose key has gone."""
    return [(key, values.get(key)) for key in sorted({*keys, *values})]


def _events(request: HttpRequest, customer_id: UUID) -> list[Any] | None:
    if not request.user.may(Can.READ_AUDIT):
        return None
    return audit.page(audit.AuditFilter(customer_id=customer_id), None, SHOWN_EVENTS).rows
