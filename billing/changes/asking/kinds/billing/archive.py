"""Archive billing provider configurations: contracts that are billed through them are billed no more."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Fact, Kind, ProposalForm, quoted
from billing.changes.asking.kinds.billing.fields import spoken
from billing.changes.asking.kinds.customer.held import refuse_archived
from billing.changes.asking.proposal import Caution, Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.lists.text import counted
from billing.metronome.objects.billing_configuration import ARCHIVED
from billing.metronome.operations.billing.archive import ArchivedConfigurations

MOST_NAMED = 8


class ArchiveBillingForm(ProposalForm):
    """Which of its configurations, each with a box."""

    configuration_ids = forms.MultipleChoiceField(
        label="Configurations to archive",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one configuration."},
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["configuration_ids"].choices = choices


class ArchiveBilling(Kind):
    """`billing.archive`"""

    name = "billing.archive"
    label = "Archive a billing provider"
    facts = {"detached_contracts": Fact("Contracts that are billed no more", int, watches="open_contracts")}
    writes = ("billing",)
    irreversible = True
    needs_survey = True
    survey_about = "How this customer is billed"
    survey_part = "changes/surveys/billing.html"
    undone_by = "billing.set"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        rows = (basis.survey or {}).get("billing", {})
        choices = [(of, f"{spoken(words)}, {of}") for of, words in rows.items() if words != ARCHIVED]
        return ArchiveBillingForm(data, initial=basis.again, choices=choices)

    def why_not(self, basis: Basis) -> str:
        is_left = any(words != ARCHIVED for words in basis.survey["billing"].values())
        return "" if is_left else "This customer has no billing provider that is not archived already."

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        survey = basis.surveyed(self.survey_about)
        refuse_archived(survey["customer"])
        rows, ids = survey["billing"], sorted(entered["configuration_ids"])
        if any(rows.get(of, ARCHIVED) == ARCHIVED for of in ids):
            raise BadInput(
                "One of these is archived already, or not this customer’s.", field="configuration_ids"
            )
        whole = basis.thing
        now, later = (
            _billed(survey["contracts"], ids, later=False),
            _billed(survey["contracts"], ids, later=True),
        )
        contracts = sorted(contract["id"] for contract in survey["contracts"])
        number = counted(len(ids), "billing provider", "billing providers")
        named = f"the billing provider {spoken(rows[ids[0]])}" if len(ids) == 1 else number
        consequence = f"{counted(len(now | later), 'contract is', 'contracts are')} billed no more"
        return Proposal(
            kind=self.name,
            sentence=f"Archive {named} of {quoted(basis.state['name'])}"
            + (f": {consequence}." if now or later else ": no contract is billed through it."),
            customer_id=basis.state["id"],
            subject_text=basis.state["name"],
            before={whole: {**basis.state, "billing_rows": rows}},
            calls=(Planned("billing.archive", ArchivedConfigurations(basis.state["id"], tuple(ids))),),
            holds=(of_itself(whole, "billing"),),
            watched={whole: {"billing_rows": rows, "archived_at": None, "open_contracts": contracts}},
            facts={"irreversible": True, "detached_contracts": len(now | later)},
            form={"configuration_ids": ids},
            warnings=tuple(_cautions(now, later)),
            blast=tuple(_blast(survey, now, later)),
            irreversible=True,
        )

    def example(self, world: World) -> Example:
        basis = world.surveyed("billing")
        active = [of for of, words in basis.survey["billing"].items() if words != ARCHIVED]
        return Example(basis, "Their Stripe account is closed.", {"configuration_ids": active})

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """Nothing is filled in: a new configuration is entered anew, and bills no contract by itself."""
        return {}


def _billed(contracts: list[dict[str, Any]], ids: Collection[str], *, later: bool) -> set[str]:
    """The contracts that are billed through one of these today, or from a later day on."""
    return {
        contract["id"]
        for contract in contracts
        for segment in contract["billed_through"]
        if segment["id"] in ids and bool(segment["since"]) == later
    }


def _cautions(now: set[str], later: set[str]) -> list[Caution]:
    cautions = [
        Caution(
            "bad",
            "Cannot be undone.",
            "An archived configuration can’t be brought back; a new one bills no contract by itself.",
        )
    ]
    if now:
        cautions.append(
            Caution(
                "bad",
                f"{counted(len(now), 'contract is', 'contracts are')} billed no more, at once.",
                "Thresholds that recharge stop, too. An invoice within its grace period is never sent.",
            )
        )
    if later:
        cautions.append(
            Caution(
                "warn",
                f"{counted(len(later), 'contract was', 'contracts were')} to be billed through it later.",
                "From then on nothing is sent, unless another provider is put into the contract.",
            )
        )
    return cautions


def _blast(survey: dict[str, Any], now: set[str], later: set[str]) -> list[dict[str, Any]]:
    names = {contract["id"]: contract["name"] for contract in survey["contracts"]}
    drafts = [each for each in survey["invoices"] if each["status"] == "DRAFT" and each["contract_id"] in now]
    rows = [
        {
            "count": len(of),
            "what": f"{'contract' if len(of) == 1 else 'contracts'} {what}",
            "detail": ", ".join(sorted(names[each] for each in of)[:MOST_NAMED]),
            "then": then,
            "money": [],
        }
        for of, what, then in (
            (now, "billed through it now", "billed no more, at once"),
            (later, "to be billed through it later", "not billed through it either"),
        )
    ]
    rows.append(
        {
            "count": len(drafts),
            "what": "draft invoice of these" if len(drafts) == 1 else "draft invoices of these",
            "detail": "",
            "then": "left in Metronome, and never sent",
            "money": [],
        }
    )
    return [row for row in rows if row["count"]]
