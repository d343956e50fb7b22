"""`contracts.edit`: POST /v2/contracts/edit. Changes named members of one contract, all of them or none.

The edit carries the call's own UUID as its uniqueness key, which Metronome keeps for ever: sent twice, it
takes effect once, and the contract's history shows it. Drafts follow an edit at once, finalized invoices
stay as they are. Editing has to be enabled for the account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.instants import instant, on_the_hour
from billing.metronome.objects.contract import ContractEditRecord, contract_at, edits_of, state_of
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
    thing,
)
from billing.metronome.operations.proof import id_told, reread
from billing.metronome.outcomes import OutcomeUnknown

if TYPE_CHECKING:
    from billing.metronome.account import Gateway

Rule = Callable[[Any], dict[str, Any]]
"""What a member leaves of the contract's own fields, from its value. Raises ValueError for a wrong one."""


def _name(value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or not value:
        raise ValueError("A contract’s name is text.")
    return {"name": value}


def _end(value: Any) -> dict[str, Any]:
    if value is None:
        return {"ending_before": ""}
    return {"ending_before": instant(on_the_hour(value))}


def _leave(value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise ValueError("Whether it may end before a finalized invoice is yes or no.")
    return {}


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "update_contract_name": _name,
        "update_contract_end_date": _end,
        "allow_contract_ending_before_finalized_invoice": _leave,
    }
)
"""The members that can be sealed. One without a rule here can't: nobody could say what it leaves."""


CHANGING = ("add_", "update_", "archive_", "remove_", "allow_")
"""How the names of an edit's members begin; the rest of a row of the history is about the row."""


@dataclass(frozen=True, slots=True)
class ContractEdit:
    """Whose contract, and its edit by Metronome's own member names: at least one."""

    customer_id: Id
    contract_id: Id
    edit: dict[str, Any]
    uniqueness_key: str = KEY_OF_CALL


class EditContract(Operation[ContractEdit]):
    """Result: `{id, edit_id}`, the contract's and the edit's."""

    name: ClassVar[str] = "contracts.edit"
    params = ContractEdit

    def show(self, params: ContractEdit) -> HttpCall:
        _left(params.edit)
        body = {
            "customer_id": id_text(params.customer_id),
            "contract_id": id_text(params.contract_id),
            "uniqueness_key": params.uniqueness_key,
            **params.edit,
        }
        return HttpCall("POST", "/v2/contracts/edit", body)

    def after(self, before: States, params: ContractEdit) -> States:
        return claimed(before, thing("contract", params.contract_id), **_left(params.edit))

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        body = call.body
        edit_id = id_told(answer, "the edit")
        at = contract_at(body["customer_id"], body["contract_id"])
        contract = reread(lambda: gateway.one(at), answer)
        if contract is None:
            raise OutcomeUnknown("Metronome confirmed, but does not know the contract.", answer.evidence)
        edit = {name: value for name, value in body.items() if name in RULES}
        live = state_of(contract)
        if other := sorted(name for name, value in _left(edit).items() if live[name] != value):
            raise OutcomeUnknown(
                f"Metronome confirmed, but the contract’s {', '.join(other)} reads otherwise.",
                answer.evidence,
            )
        return {"id": body["contract_id"], "edit_id": edit_id}

    def find(self, gateway: Gateway, facts: FindFacts[ContractEdit]) -> Finding:
        params = facts.params
        contract_id = id_text(params.contract_id)
        edits = gateway.every(edits_of(id_text(params.customer_id), contract_id))
        ours = [edit for edit in edits if edit.uniqueness_key == params.uniqueness_key]
        looked = [{"read": "the contract’s edits", "saw": [_seen(edit) for edit in ours or edits[-1:]]}]
        if not ours:
            return Finding(
                Proof.NOT_APPLIED, "No edit of the contract carries this call’s key.", None, looked
            )
        (edit, *_rest) = ours
        if not _is_asked(params.edit, edit):
            sentence = "An edit with this call’s key is there, and changes something else than was asked for."
            return Finding(Proof.CANNOT_TELL, sentence, None, looked)
        return Finding(
            Proof.APPLIED,
            "An edit with this call’s key is in the contract’s history.",
            {"id": contract_id, "edit_id": edit.id},
            looked,
        )

    def how_found(self) -> str:
        return "read the contract’s edits: applied when one of them carries this call’s key"


def _left(edit: Mapping[str, Any]) -> dict[str, Any]:
    """What an edit leaves of the contract's own fields. Raises ValueError for a member without a rule."""
    if unknown := sorted(edit.keys() - RULES.keys()):
        raise ValueError(f"Nobody knows what {', '.join(unknown)} leaves of a contract.")
    if not (left := {name: value for member in edit for name, value in RULES[member](edit[member]).items()}):
        raise ValueError("Say what is changed of the contract.")
    return left


def _is_asked(asked: Mapping[str, Any], edit: ContractEditRecord) -> bool:
    """Whether the history tells of this very edit: the same members, each leaving the same.

    Of an end that was taken away it need not tell: its shape there has no place for none.
    """
    told = {name: value for name, value in edit.raw.items() if name.startswith(CHANGING) and value != []}
    try:
        return _by_member(told) == {
            name: left for name, left in _by_member(asked).items() if name in told or asked[name] is not None
        }
    except (ValueError, TypeError, KeyError):
        return False


def _by_member(edit: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What each member leaves, of those that leave anything. Raises KeyError for one without a rule."""
    return {name: left for name, value in edit.items() if (left := RULES[name](value))}


def _seen(edit: ContractEditRecord) -> dict[str, Any]:
    return {"id": edit.id, "timestamp": edit.timestamp, "uniqueness_key": edit.uniqueness_key}
