"""`customers.create`: POST /v1/customers. No uniqueness key exists; aliases are how it is found again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.operations.base import FindFacts, Finding, Operation, Proof
from billing.metronome.operations.proof import (
    cut_words,
    our_row,
    read_back,
    read_log,
    seen_customer,
    seen_row,
)
from billing.metronome.outcomes import OutcomeUnknown
from billing.metronome.text import check_aliases, check_custom_fields, check_name, is_shortened_form

if TYPE_CHECKING:
    from billing.metronome.client import Gateway

CREATED_SKEW = timedelta(minutes=5)


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

    def after(self, before: dict[str, Any] | None, params: NewCustomer) -> dict[str, Any] | None:
        return {
            "id": None,
            "name": params.name,
            "ingest_aliases": sorted(params.ingest_aliases),
            "custom_fields": dict(params.custom_fields),
            "archived_at": None,
        }

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
            or (customer.name != wanted and not is_shortened_form(customer.name, wanted))
            or set(customer.ingest_aliases) != set(call.body["ingest_aliases"])
        ):
            raise OutcomeUnknown(
                "Metronome confirmed, but the new customer reads otherwise.", answer.evidence
            )
        return {"id": customer_id, "name": customer.name}

    def find(self, gateway: Gateway, facts: FindFacts[NewCustomer]) -> Finding:
        looked: list[dict[str, Any]] = []
        holders: dict[str, Any] = {}
        for alias in facts.params.ingest_aliases:
            for holder in gateway.customers_holding_alias(alias):
                holders[holder.id] = holder
            looked.append(
                {"read": f"who holds the alias “{alias}”, active and archived", "saw": sorted(holders)}
            )
        if not holders:
            return Finding(Proof.NOT_APPLIED, "Nobody holds any of the aliases.", None, looked)
        looked += [
            seen_customer(holder.as_snapshot() | {"created_at": f"{holder.created_at or ''}"}, "the holder")
            for holder in holders.values()
        ]
        if len(holders) > 1:
            return Finding(Proof.CANNOT_TELL, "Several customers hold the aliases by now.", None, looked)
        (holder,) = holders.values()
        wanted = facts.params.name
        shortened = is_shortened_form(holder.name, wanted)
        same = (holder.name == wanted or shortened) and set(facts.params.ingest_aliases) <= set(
            holder.ingest_aliases
        )
        young = holder.created_at is not None and holder.created_at >= facts.first_sent_at - CREATED_SKEW
        if not same or not young:
            return Finding(
                Proof.CANNOT_TELL,
                f"{holder.name} ({holder.id}) holds the aliases, and is older or not as asked for.",
                None,
                looked,
            )
        reading = read_log(gateway, facts, holder.id)
        row = our_row(reading, gateway, facts)
        if row is None:
            sentence = f"{holder.name} ({holder.id}) is as asked for, but nothing shows that we made it."
            if reading.cut:
                sentence = f"{sentence} {cut_words(reading)}"
            return Finding(Proof.CANNOT_TELL, sentence, None, looked)
        looked.append(seen_row(row))
        words = "It was created, its name shortened by Metronome." if shortened else "It was created."
        return Finding(Proof.APPLIED, words, {"id": holder.id, "name": holder.name}, looked)

    def how_found(self) -> str:
        return "ask who holds each alias, active and archived, and find our reference in Metronome’s own log"
