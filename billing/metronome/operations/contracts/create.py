"""`contracts.create`: POST /v1/contracts/create. A contract from a rate card, or from a package.

It carries the call's own UUID as its uniqueness key, which the contract shows for good: sent twice, one
contract is made, and it is found among the customer's. Of a package nothing is said but whose and from when.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.instants import on_the_hour
from billing.metronome.objects.contract import (
    contract_at,
    contracts_of,
    keys_of,
    made_from,
    state_of,
    words_of,
)
from billing.metronome.operations.base import (
    KEY_OF_CALL,
    FindFacts,
    Finding,
    Id,
    Operation,
    Proof,
    States,
    claimed,
    id_text,
    newly,
    thing,
)
from billing.metronome.operations.proof import id_told, named_one, reread
from billing.metronome.outcomes import OutcomeUnknown

if TYPE_CHECKING:
    from billing.metronome.account import Gateway
    from billing.metronome.objects.contract import ContractRecord

FREQUENCIES = ("MONTHLY", "QUARTERLY", "ANNUAL", "WEEKLY")
STATEMENT_DAYS = ("FIRST_OF_MONTH", "CONTRACT_START")


@dataclass(frozen=True, slots=True)
class NewContract:
    """Whose contract, from a rate card or a package, from when, and, of a rate card, its terms.

    Instants are on the hour, UTC, like `2027-01-01T00:00:00Z`; `ending_before` is empty for no end.
    net_payment_terms_days: None for Metronome's own. billing_configuration_id: empty to bill nothing.
    """

    customer_id: Id
    starting_at: str
    rate_card_id: str = ""
    package_id: str = ""
    name: str = ""
    ending_before: str = ""
    net_payment_terms_days: int | None = None
    statement_frequency: str = ""
    statement_day: str = ""
    billing_configuration_id: Id = ""
    uniqueness_key: str = KEY_OF_CALL


class CreateContract(Operation[NewContract]):
    """Result: `{id}`, the contract's."""

    name: ClassVar[str] = "contracts.create"
    params = NewContract
    makes: ClassVar[str] = "contract"

    def show(self, params: NewContract) -> HttpCall:
        if bool(params.rate_card_id) == bool(params.package_id):
            raise ValueError("A contract is made from a rate card or from a package; say which.")
        on_the_hour(params.starting_at)
        body: dict[str, Any] = {
            "customer_id": id_text(params.customer_id),
            "starting_at": params.starting_at,
            "uniqueness_key": params.uniqueness_key,
        }
        terms = _terms(params)
        if params.package_id:
            if terms:
                raise ValueError("A package brings its own terms: nothing can be said beside its start.")
            return HttpCall("POST", "/v1/contracts/create", body | {"package_id": id_text(params.package_id)})
        body["rate_card_id"] = id_text(params.rate_card_id)
        return HttpCall("POST", "/v1/contracts/create", body | terms)

    def after(self, before: States, params: NewContract) -> States:
        known = {"starting_at": params.starting_at, "archived_at": None}
        if not params.package_id:
            known |= {"name": params.name, "ending_before": params.ending_before}
        return claimed(before, newly("contract"), **known)

    def made_for(self, params: NewContract) -> str:
        return thing("customer", params.customer_id)

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        made_id = id_told(answer, "the new contract")
        contract = reread(lambda: gateway.one(contract_at(call.body["customer_id"], made_id)), answer)
        if contract is None or not _is_made_by(contract, call):
            raise OutcomeUnknown(
                "Metronome confirmed, but the contract does not read as asked for.", answer.evidence
            )
        if other := _changed(contract, call):
            raise OutcomeUnknown(
                f"Metronome confirmed, but the contract’s {', '.join(other)} reads otherwise.",
                answer.evidence,
            )
        return {"id": made_id}

    def find(self, gateway: Gateway, facts: FindFacts[NewContract]) -> Finding:
        contracts, looked = _contracts(gateway, facts)
        call, key = self.show(facts.params), facts.params.uniqueness_key
        ours = [contract for contract in contracts if key in keys_of(contract)]
        if not ours:
            return Finding(
                Proof.NOT_APPLIED, "No contract of the customer’s carries this call’s key.", None, looked
            )
        (contract, *_rest) = ours
        if not _is_made_by(contract, call):
            sentence = "A contract with this call’s key is there, and it is another than was asked for."
            return Finding(Proof.CANNOT_TELL, sentence, None, looked, stands=True)
        since = " Since then somebody has changed it." if _changed(contract, call) else ""
        sentence = f"The contract that carries this call’s key is there.{since}"
        return Finding(Proof.APPLIED, sentence, {"id": contract.id}, looked)

    def bears_out(self, gateway: Gateway, facts: FindFacts[NewContract], made_id: str) -> Finding:
        contracts, looked = _contracts(gateway, facts)
        call = self.show(facts.params)
        named = [contract for contract in contracts if contract.id == made_id]
        is_other = bool(named) and not _is_made_by(named[0], call)
        return named_one(
            "contract",
            {"id": made_id},
            looked,
            was_there=False,
            is_there=bool(named),
            differs="does not carry this call’s key, or is another than was asked for" if is_other else "",
        )

    def how_found(self) -> str:
        return "read the customer’s contracts: applied when one of them carries this call’s key"


def _terms(params: NewContract) -> dict[str, Any]:
    """What is said of a contract from a rate card, as far as anything is."""
    terms: dict[str, Any] = {}
    if params.name:
        terms["name"] = params.name
    if params.ending_before:
        if on_the_hour(params.ending_before) <= on_the_hour(params.starting_at):
            raise ValueError("The contract ends before it begins.")
        terms["ending_before"] = params.ending_before
    if params.net_payment_terms_days is not None:
        terms["net_payment_terms_days"] = params.net_payment_terms_days
    if params.statement_frequency or params.statement_day:
        if params.statement_frequency not in FREQUENCIES or params.statement_day not in STATEMENT_DAYS:
            raise ValueError("Usage statements come at a known frequency, on a known day.")
        terms["usage_statement_schedule"] = {
            "frequency": params.statement_frequency,
            "day": params.statement_day,
        }
    if params.billing_configuration_id:
        terms["billing_provider_configuration"] = {
            "billing_provider_configuration_id": id_text(params.billing_configuration_id)
        }
    return terms


def _is_made_by(contract: ContractRecord, call: HttpCall) -> bool:
    """Whether it carries the call's key, start and source, which nobody can change afterwards."""
    body = call.body
    source = (
        ("package_id", body["package_id"]) if "package_id" in body else ("rate_card_id", body["rate_card_id"])
    )
    is_ours = body["uniqueness_key"] in keys_of(contract)
    return (
        is_ours
        and contract.starting_at == datetime.fromisoformat(body["starting_at"])
        and source in made_from(contract)
    )


def _changed(contract: ContractRecord, call: HttpCall) -> list[str]:
    """Which of its own fields read otherwise than the call said; a package says nothing of them."""
    if "package_id" in call.body:
        return []
    live, body = state_of(contract), call.body
    asked = {name: body.get(name, "") for name in ("name", "ending_before")}
    return sorted(name for name, value in asked.items() if live[name] != value)


def _contracts(
    gateway: Gateway, facts: FindFacts[NewContract]
) -> tuple[tuple[ContractRecord, ...], list[dict[str, Any]]]:
    """The customer's contracts, archived ones too, and what was read of them as evidence."""
    contracts = gateway.every(contracts_of(id_text(facts.params.customer_id)))
    saw = {contract.id: words_of(contract) for contract in contracts}
    return contracts, [{"read": "the customer’s contracts, archived ones too", "saw": saw}]
