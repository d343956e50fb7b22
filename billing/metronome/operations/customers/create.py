"""`customers.create`: POST /v1/customers. No uniqueness key exists; aliases are how it is found again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.objects.audit_log import AuditLogRecord
from billing.metronome.objects.customer import CustomerRecord, customers_holding_alias, read_customer
from billing.metronome.operations.base import FindFacts, Finding, Operation, Proof, States, claimed, newly
from billing.metronome.operations.proof import (
    RESOURCE,
    named_one,
    our_row,
    read_account_log,
    read_back,
    read_log,
    seen_customer,
    seen_row,
)
from billing.metronome.outcomes import OutcomeUnknown
from billing.metronome.rows import uuid_of
from billing.metronome.text import check_aliases, check_custom_fields, check_name, is_shortened_form

if TYPE_CHECKING:
    from billing.metronome.account import Gateway

CREATED_SKEW = timedelta(minutes=5)
ALIASES_ASKED = 50
"""A creation gives all its aliases at once, so the first ones tell as much as two thousand."""


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """Its name, at least one ingest alias, and custom fields by their key."""

    name: str
    ingest_aliases: tuple[str, ...]
    custom_fields: dict[str, str]


class CreateCustomer(Operation[NewCustomer]):
    """Result: `{id, name}`."""

    name: ClassVar[str] = "customers.create"
    params = NewCustomer
    makes: ClassVar[str] = "customer"

    def show(self, params: NewCustomer) -> HttpCall:
        if check_name(params.name) != params.name:
            raise ValueError("The name is not trimmed and in NFC.")
        if not params.ingest_aliases:
            raise ValueError("A new customer needs at least one ingest alias: it is found again by it.")
        check_aliases(params.ingest_aliases)
        body: dict[str, Any] = {"name": params.name, "ingest_aliases": list(params.ingest_aliases)}
        if fields := check_custom_fields(params.custom_fields):
            body["custom_fields"] = fields
        return HttpCall("POST", "/v1/customers", body)

    def called(self, params: NewCustomer) -> str:
        return params.name

    def after(self, before: States, params: NewCustomer) -> States:
        return claimed(
            before,
            newly("customer"),
            name=params.name,
            ingest_aliases=sorted(params.ingest_aliases),
            custom_fields=dict(params.custom_fields),
            archived_at=None,
        )

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        try:
            made = answer.data or {}
            customer_id, name, aliases = str(UUID(made["id"])), made["name"], made["ingest_aliases"]
        except (KeyError, ValueError, TypeError, AttributeError) as problem:
            raise OutcomeUnknown(
                "Metronome’s answer does not show the new customer.", answer.evidence
            ) from problem
        wanted = call.body["name"]
        if (name != wanted and not is_shortened_form(name, wanted)) or set(aliases) != set(
            call.body["ingest_aliases"]
        ):
            raise OutcomeUnknown(
                "Metronome’s answer shows another customer than was asked for.", answer.evidence
            )
        customer = read_back(gateway, customer_id, answer)
        if (
            customer.archived_at is not None
            or customer.name != name
            or set(customer.ingest_aliases) != set(call.body["ingest_aliases"])
        ):
            raise OutcomeUnknown(
                "Metronome confirmed, but the new customer reads otherwise.", answer.evidence
            )
        return {"id": customer_id, "name": customer.name}

    def find(self, gateway: Gateway, facts: FindFacts[NewCustomer]) -> Finding:
        """Our row in the log first: it names the customer, whoever holds the aliases by now."""
        reading = read_account_log(gateway, facts)
        if row := our_row(reading, gateway, facts):
            return _made(gateway, facts, row)
        aliases = facts.params.ingest_aliases
        holders, looked = _holders(gateway, aliases[:ALIASES_ASKED])
        if not holders:
            whom = "any" if len(aliases) <= ALIASES_ASKED else f"the first {ALIASES_ASKED}"
            sentence = f"Nobody holds {whom} of the aliases."
            if reading.gap:
                return Finding(Proof.CANNOT_TELL, f"{sentence} {reading.gap}", None, looked)
            return Finding(Proof.NOT_APPLIED, sentence, None, looked)
        if len(holders) > 1:
            return Finding(Proof.CANNOT_TELL, "Several customers hold the aliases by now.", None, looked)
        (holder,) = holders
        if not _is_young(holder, facts) or _otherwise(holder, facts.params):
            sentence = f"{holder.name} ({holder.id}) holds the aliases, and is older or not as asked for."
            return Finding(Proof.CANNOT_TELL, sentence, None, looked)
        sentence = f"{holder.name} ({holder.id}) is as asked for, but nothing shows that we made it."
        if reading.gap:
            reading = read_log(gateway, facts, holder.id)
            if row := our_row(reading, gateway, facts):
                return _made(gateway, facts, row, holder)
            if reading.gap:
                sentence = f"{sentence} {reading.gap}"
        return Finding(Proof.CANNOT_TELL, sentence, None, looked, stands=True)

    def bears_out(self, gateway: Gateway, facts: FindFacts[NewCustomer], made_id: str) -> Finding:
        customer = read_customer(gateway, made_id)
        looked = [_seen(customer)] if customer else []
        differs = _otherwise(customer, facts.params) if customer else ""
        return named_one(
            "customer",
            {"id": made_id, "name": customer.name if customer else ""},
            looked,
            was_there=customer is not None and not _is_young(customer, facts),
            is_there=customer is not None,
            differs=f"is another: {differs}" if differs else "",
        )

    def how_found(self) -> str:
        return "find our reference in Metronome’s own log, and ask who holds each alias, active and archived"


def _made(
    gateway: Gateway,
    facts: FindFacts[NewCustomer],
    row: AuditLogRecord,
    customer: CustomerRecord | None = None,
) -> Finding:
    """Our own row says that the call took effect: the customer that it names is ours, whatever it is now."""
    looked = [seen_row(row)]
    made_id = uuid_of(row.resource_id) if row.resource_type == RESOURCE else ""
    customer = customer or (read_customer(gateway, made_id) if made_id else None)
    if customer is None:
        sentence = "Our call took effect, but the customer that it made can’t be found."
        return Finding(Proof.CANNOT_TELL, sentence, None, looked)
    looked.insert(0, _seen(customer))
    sentence = "It was created."
    if is_shortened_form(customer.name, facts.params.name):
        sentence = "It was created, its name shortened by Metronome."
    if otherwise := _otherwise(customer, facts.params):
        sentence = f"{sentence} Since then somebody has changed it: {otherwise}."
    return Finding(Proof.APPLIED, sentence, {"id": customer.id, "name": customer.name}, looked)


def _holders(gateway: Gateway, aliases: tuple[str, ...]) -> tuple[list[CustomerRecord], list[dict[str, Any]]]:
    """Who holds the aliases, and what was read to know it."""
    holders: dict[str, CustomerRecord] = {}
    looked: list[dict[str, Any]] = []
    for alias in aliases:
        for holder in customers_holding_alias(gateway, alias):
            holders[holder.id] = holder
        looked.append({"read": f"who holds the alias “{alias}”, active and archived", "saw": sorted(holders)})
    return list(holders.values()), looked + [_seen(holder) for holder in holders.values()]


def _is_young(customer: CustomerRecord, facts: FindFacts[NewCustomer]) -> bool:
    return customer.created_at is not None and customer.created_at >= facts.first_sent_at - CREATED_SKEW


def _otherwise(customer: CustomerRecord, params: NewCustomer) -> str:
    """How a customer differs from what was asked for, in words; empty when it does not."""
    differences = []
    if customer.name != params.name and not is_shortened_form(customer.name, params.name):
        differences.append(f"its name is “{customer.name}”")
    if missing := sorted(set(params.ingest_aliases) - set(customer.ingest_aliases)):
        shown = ", ".join(f"“{alias}”" for alias in missing[:5]) + (", …" if len(missing) > 5 else "")
        differences.append(f"it lacks {shown}")
    if customer.archived_at is not None:
        differences.append("it is archived")
    return ", ".join(differences)


def _seen(customer: CustomerRecord) -> dict[str, Any]:
    return seen_customer(
        customer.as_snapshot() | {"created_at": f"{customer.created_at or ''}"}, "the customer"
    )
