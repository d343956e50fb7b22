"""`billing.archive`: POST /v1/archiveCustomerBillingProviderConfigurations. At once, all of them or none.

Contracts that are billed through one are billed no more, thresholds of theirs stop, and an invoice within its
grace period is never sent. No way back is documented: a new configuration bills no contract by itself.
The vendor's pages tell of two answers, so only the read-back counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.objects.billing_configuration import ARCHIVED, billing_configurations
from billing.metronome.operations.base import (
    FindFacts,
    Finding,
    Id,
    Operation,
    Proof,
    States,
    claimed,
    id_text,
    thing,
)
from billing.metronome.operations.proof import our_row, read_log, reread, seen_row
from billing.metronome.outcomes import OutcomeUnknown

if TYPE_CHECKING:
    from billing.metronome.account import Gateway


@dataclass(frozen=True, slots=True)
class ArchivedConfigurations:
    """Whose, and which of its configurations: at least one."""

    customer_id: Id
    configuration_ids: tuple[str, ...]


class ArchiveConfigurations(Operation[ArchivedConfigurations]):
    """Result: `{ids}`, sorted."""

    name: ClassVar[str] = "billing.archive"
    params = ArchivedConfigurations
    irreversible: ClassVar[bool] = True

    def show(self, params: ArchivedConfigurations) -> HttpCall:
        if not params.configuration_ids:
            raise ValueError("Say which configurations are archived.")
        ids = sorted(id_text(each) for each in params.configuration_ids)
        body = {
            "customer_id": id_text(params.customer_id),
            "customer_billing_provider_configuration_ids": ids,
        }
        return HttpCall("POST", "/v1/archiveCustomerBillingProviderConfigurations", body)

    def after(self, before: States, params: ArchivedConfigurations) -> States:
        whose = thing("customer", params.customer_id)
        rows = before.get(whose, {}).get("billing_rows", {})
        return claimed(
            before,
            whose,
            billing_rows={**rows, **dict.fromkeys(params.configuration_ids, ARCHIVED)},
        )

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        ids = call.body["customer_billing_provider_configuration_ids"]
        rows = reread(lambda: gateway.every(billing_configurations(call.body["customer_id"])), answer)
        if set(ids) - {row.id for row in rows if row.is_archived}:
            raise OutcomeUnknown(
                "Metronome confirmed, but not all of them read as archived.", answer.evidence
            )
        return {"ids": ids}

    def find(self, gateway: Gateway, facts: FindFacts[ArchivedConfigurations]) -> Finding:
        wanted = set(facts.params.configuration_ids)
        rows = gateway.every(billing_configurations(id_text(facts.params.customer_id)))
        known = {row.id: row for row in rows if row.id in wanted}
        saw = {of: row.words for of, row in known.items()}
        looked = [{"read": "the customer’s billing configurations, archived ones too", "saw": saw}]
        archived = {of for of, row in known.items() if row.is_archived}
        if not archived:
            if known.keys() != wanted:
                sentence = "Metronome no longer lists all of these configurations."
                return Finding(Proof.CANNOT_TELL, sentence, None, looked)
            return Finding(Proof.NOT_APPLIED, "None of them is archived.", None, looked)
        if archived != wanted:
            sentence = f"{len(archived)} of {len(wanted)} are archived, and Metronome archives all or none."
            return Finding(Proof.CANNOT_TELL, sentence, None, looked)
        if row := our_row(read_log(gateway, facts, id_text(facts.params.customer_id)), gateway, facts):
            looked.append(seen_row(row))
            return Finding(Proof.APPLIED, "They are archived, by us.", {"ids": sorted(wanted)}, looked)
        before = facts.before.get(thing("customer", facts.params.customer_id), {})
        rows_before = before.get("billing_rows", {})
        if any(rows_before.get(of) == ARCHIVED for of in wanted):
            sentence = "They are archived, and some were before we sent."
            return Finding(Proof.CANNOT_TELL, sentence, None, looked)
        return Finding(
            Proof.APPLIED, "They were archived since this was sent.", {"ids": sorted(wanted)}, looked
        )

    def how_found(self) -> str:
        return "read the customer’s billing configurations: applied when all of these are archived"
