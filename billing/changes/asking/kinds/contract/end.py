"""End a contract, or move its end. To take its end away is said apart."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from billing import clock
from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Fact, Kind, ProposalForm, quoted
from billing.changes.asking.kinds.contract.chosen import SURVEYED, ContractForm, chosen, edited
from billing.changes.asking.kinds.plan.fields import (
    ENDS,
    GOES_ON,
    DayField,
    check_end,
    days_ahead,
    what_becomes_of_it,
)
from billing.changes.asking.proposal import Caution, Effect, Proposal
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.lists.money import sums
from billing.lists.text import counted
from billing.metronome.operations.base import thing


class EndForm(ContractForm):
    """Which contract, and either the day that it ends before, or that it shall have no end any more."""

    how = what_becomes_of_it()
    ending_before = DayField(
        label="Up to, not including", required=False, help_text="The contract ends at 00:00 UTC of this day."
    )
    cuts_invoices = forms.BooleanField(
        label="It may end before invoices that are finalized already",
        required=False,
        help_text="They stay as they are; what they billed after the end is not given back by this.",
    )

    def clean(self) -> dict[str, Any]:
        entered = super().clean()
        check_end(self, entered, end="its end", what="the contract")
        return entered


class EndContract(Kind):
    """`contract.end`"""

    name = "contract.end"
    label = "End a contract"
    facts = {
        "backdated": Fact("A contract ends in the past", bool),
        "goes_on": Fact("A contract’s end is taken away", bool),
        "cut_invoices": Fact("Finalized invoices that lie after the end", int),
    }
    writes = ("contracts",)
    needs_survey = True
    survey_about = SURVEYED
    survey_part = "changes/surveys/contracts.html"
    undone_by = "contract.end"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return EndForm(data, initial=basis.again, survey=basis.survey)

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        contract, survey = chosen(basis, entered["contract_id"]), basis.survey
        of, state, day = thing("contract", contract["id"]), contract["state"], entered["ending_before"]
        end = f"{day}T00:00:00Z" if day else ""
        if end == state["ending_before"]:
            raise BadInput(
                "It ends then already." if end else "It has no end as it is.",
                field="ending_before" if end else "how",
            )
        if end and end <= state["starting_at"]:
            raise BadInput(
                f"It begins on {contract['starting_at']}: the end has to be later.", field="ending_before"
            )
        cut = _cut(survey["invoices"], contract["id"], end) if end else []
        if cut and not entered["cuts_invoices"]:
            last = max(invoice["end"] for invoice in cut)
            raise BadInput(
                f"{_reaching(cut)} beyond this day, up to {last}. Choose a later day, or tick that it may.",
                field="ending_before",
            )
        return Proposal(
            kind=self.name,
            sentence=_sentence(contract, basis.state["name"], day),
            before={of: state},
            watched={of: {"ending_before": state["ending_before"], "archived_at": None}},
            facts={
                "irreversible": False,
                "backdated": _is_past(day),
                "goes_on": not day,
                "cut_invoices": len(cut),
            },
            form={
                "contract_id": contract["id"],
                "how": entered["how"],
                "ending_before": day,
                "cuts_invoices": bool(cut),
            },
            effects=tuple(_effects(basis.state["id"], cut)),
            warnings=tuple(_cautions(contract, day, cut)),
            blast=tuple(_blast(survey["invoices"], contract, day, cut)),
            **edited(
                basis,
                contract["id"],
                "end",
                {
                    "update_contract_end_date": end or None,
                    "allow_contract_ending_before_finalized_invoice": bool(cut),
                },
            ),
        )

    def example(self, world: World) -> Example:
        basis = world.surveyed("contracts")
        entered = {
            "contract_id": basis.survey["contracts"][-1]["id"],
            "how": ENDS,
            "ending_before": days_ahead(400),
        }
        return Example(basis, "Not renewed, their letter of last week.", entered)

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """The former end, where it was a day's beginning, or that it had none. Cut terms don't come back."""
        (before,) = request.before.values()
        day, _, hour = before["ending_before"].partition("T")
        if day and hour != "00:00:00Z":
            return None
        return {
            "contract_id": request.form["contract_id"],
            "how": ENDS if day else GOES_ON,
            "ending_before": day,
        }


def _cut(invoices: list[dict[str, Any]], contract_id: str, end: str) -> list[dict[str, Any]]:
    """The contract's finalized invoices whose period ends after this instant."""
    return [
        invoice
        for invoice in invoices
        if invoice["contract_id"] == contract_id
        and invoice["status"] == "FINALIZED"
        and invoice["end_at"] > end
    ]


def _drafts_beyond(invoices: list[dict[str, Any]], contract_id: str, day: str) -> list[dict[str, Any]]:
    """The contract's drafts whose period ends after this day begins, or of which no period is said."""
    return [
        invoice
        for invoice in invoices
        if (invoice["contract_id"], invoice["status"]) == (contract_id, "DRAFT")
        and not (invoice["end_at"] and invoice["end_at"] <= f"{day}T00:00:00Z")
    ]


def _reaching(cut: list[dict[str, Any]]) -> str:
    return counted(len(cut), "finalized invoice reaches", "finalized invoices reach")


def _is_past(day: str) -> bool:
    return bool(day) and date.fromisoformat(day) < clock.now().date()


def _sentence(contract: dict[str, Any], customer: str, day: str) -> str:
    named = f"the contract {quoted(contract['name'])} of {quoted(customer)}"
    if not day:
        return f"Take away the end of {named}: it goes on for good."
    if contract["ending_before"] is None:
        return f"End {named} before {day}."
    return f"Move the end of {named} from {contract['ending_before']} to {day}."


def _cautions(contract: dict[str, Any], day: str, cut: list[dict[str, Any]]) -> list[Caution]:
    cautions, old = [], contract["ending_before"]
    if not day or (old and day > old):
        cautions.append(
            Caution(
                "warn",
                "The terms don’t grow with the contract.",
                "Commits, credits and charges end when they ended before; only usage goes on being billed.",
            )
        )
    else:
        cautions.append(
            Caution(
                "warn",
                "Terms are cut at the new end.",
                "Commits and credits that last longer end with the contract, and scheduled invoices after it "
                "go. A later end does not bring them back.",
            )
        )
    if cut:
        cautions.append(
            Caution(
                "bad",
                f"{_reaching(cut)} beyond the end.",
                "What is finalized stays as it is. To bill anew, it is voided and regenerated in Metronome.",
            )
        )
    if _is_past(day):
        cautions.append(
            Caution("warn", "The contract ends in the past.", "Drafts after that day go at once.")
        )
    return cautions


def _effects(customer_id: str, cut: list[dict[str, Any]]) -> list[Effect]:
    """Finalized invoices stay, whatever the end; what becomes of drafts is only said with *about*."""
    if not cut:
        return []
    words = counted(len(cut), "finalized invoice stays", "finalized invoices stay")
    kept = [invoice["id"] for invoice in cut]
    return [Effect(words, thing("customer", customer_id), "finalized_invoices", kept=kept)]


def _blast(
    invoices: list[dict[str, Any]], contract: dict[str, Any], day: str, cut: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Drafts of this contract, and finalized invoices that reach beyond the end."""
    drafts = _drafts_beyond(invoices, contract["id"], day) if day else []
    rows = [
        (drafts, "Draft invoices that reach beyond the end", "cut or gone, about so much of them"),
        (cut, "Finalized invoices that reach beyond the end", "left unchanged"),
    ]
    return [
        {"count": len(of), "what": what, "detail": "", "then": then, "money": sums(of)}
        for of, what, then in rows
        if of
    ]
