"""`customers.setIngestAliases`: POST /v1/customers/{id}/setIngestAliases. Replaces the whole set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.objects.customer import customers_holding_alias, read_customer
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
from billing.metronome.operations.proof import (
    neither_old_nor_ours,
    read_back,
    seen_customer,
    still_as_before,
)
from billing.metronome.outcomes import OutcomeUnknown
from billing.metronome.text import check_whole_set

if TYPE_CHECKING:
    from billing.metronome.account import Gateway


@dataclass(frozen=True, slots=True)
class WholeSet:
    """Whose, and all of the aliases that it shall hold; none is a set, too."""

    customer_id: Id
    ingest_aliases: tuple[str, ...]


class SetIngestAliases(Operation[WholeSet]):
    """Result: `{id, ingest_aliases}`, sorted."""

    name: ClassVar[str] = "customers.setIngestAliases"
    params = WholeSet

    def show(self, params: WholeSet) -> HttpCall:
        aliases = check_whole_set(list(params.ingest_aliases))
        path = f"/v1/customers/{id_text(params.customer_id)}/setIngestAliases"
        return HttpCall("POST", path, {"ingest_aliases": aliases})

    def after(self, before: States, params: WholeSet) -> States:
        whose = thing("customer", params.customer_id)
        return claimed(before, whose, ingest_aliases=sorted(params.ingest_aliases))

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        customer_id = call.path.split("/")[3]
        customer = read_back(gateway, customer_id, answer)
        if set(customer.ingest_aliases) != set(call.body["ingest_aliases"]):
            raise OutcomeUnknown(
                "Metronome confirmed, but the customer does not show the new aliases.", answer.evidence
            )
        return {"id": customer_id, "ingest_aliases": sorted(customer.ingest_aliases)}

    def find(self, gateway: Gateway, facts: FindFacts[WholeSet]) -> Finding:
        customer = read_customer(gateway, facts.params.customer_id)
        if customer is None:
            return Finding(Proof.CANNOT_TELL, "Metronome no longer knows this customer.", None, [])
        looked = [seen_customer(customer.as_snapshot(), "the customer")]
        live, wanted = set(customer.ingest_aliases), set(facts.params.ingest_aliases)
        result = {"id": customer.id, "ingest_aliases": sorted(wanted)}
        if live == wanted:
            return Finding(Proof.APPLIED, "The customer holds exactly the new aliases.", result, looked)
        if live != set(
            facts.before.get(thing("customer", facts.params.customer_id), {}).get("ingest_aliases", [])
        ):
            difference = _difference(live, wanted)
            return neither_old_nor_ours(
                gateway,
                facts,
                looked + self._holders(gateway, wanted - live),
                result=result,
                took_effect=f"It took effect; since then somebody has changed the aliases. {difference}",
                otherwise=f"The aliases are neither the old set nor ours. {difference}",
            )
        return still_as_before(
            gateway, facts, looked, what="the old set of aliases", holds="The customer still holds"
        )

    def how_found(self) -> str:
        return "read the customer: applied when it holds exactly these aliases"

    def _holders(self, gateway: Gateway, missing: set[str]) -> list[dict[str, Any]]:
        return [
            {
                "read": f"who holds the alias “{alias}”",
                "saw": [f"{holder.name} ({holder.id})" for holder in customers_holding_alias(gateway, alias)],
            }
            for alias in sorted(missing)[:10]
        ]


def _difference(live: set[str], wanted: set[str]) -> str:
    missing = ", ".join(f"“{alias}”" for alias in sorted(wanted - live)[:5]) or "none"
    extra = ", ".join(f"“{alias}”" for alias in sorted(live - wanted)[:5]) or "none"
    return f"Missing: {missing}. Not ours: {extra}."
