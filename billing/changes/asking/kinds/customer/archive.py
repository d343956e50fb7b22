"""Archive a customer: cannot be undone. Proposed only over a survey of what else it ends and voids."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Fact, Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.held import ALIAS_FACTS, refuse_archived
from billing.changes.asking.proposal import Caution, Effect, Planned, Proposal
from billing.changes.asking.survey import KNOWN_STATUSES
from billing.changes.holds import of_itself
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.changes.typed import ReasonField, is_typed
from billing.lists.text import counted
from billing.metronome.operations.customers.archive import Archiving
from billing.metronome.operations.customers.set_ingest_aliases import WholeSet


class ArchiveForm(ProposalForm):
    """Clear the aliases or not, confirm what is still open, and the customer's name typed."""

    clear_aliases = forms.TypedChoiceField(
        label="Ingest aliases",
        choices=[
            ("yes", "Clear them first, so that another customer can use them"),
            ("no", "Leave them: they stay locked to the archived customer for ever"),
        ],
        coerce=lambda value: value == "yes",
        initial="yes",
        widget=forms.RadioSelect,
    )
    open_business = forms.BooleanField(required=False)
    open_business_reason = ReasonField(
        label="Why archive it all the same",
        required=False,
        max_length=500,
        help_text="Contracts end at once. What becomes of plans, Metronome does not say.",
    )
    typed_name = forms.CharField(label="Type the customer’s name", strip=False, max_length=400)

    def __init__(
        self,
        *args: Any,
        customer: tuple[str, str | None],
        open_count: int,
        has_aliases: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not has_aliases:
            del self.fields["clear_aliases"]
        self.customer = customer
        self.fields["typed_name"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        if open_count:
            number = counted(open_count, "plan or contract is", "plans and contracts are")
            self.fields["open_business"].label = f"I know that {number} still open"
            self.fields["open_business"].required = True
            self.fields["open_business_reason"].required = True
        else:
            del self.fields["open_business"], self.fields["open_business_reason"]

    def clean_typed_name(self) -> str:
        typed = self.cleaned_data["typed_name"]
        if not is_typed(typed, *self.customer):
            raise forms.ValidationError("This is not what stands above; capitals and accents count.")
        return typed


class ArchiveCustomer(Kind):
    """`customer.archive`"""

    name = "customer.archive"
    label = "Archive customer"
    facts = ALIAS_FACTS | {
        "open_contracts": Fact("Open contracts", int, watches="open_contracts"),
        "open_plans": Fact("Open plans", int, watches="open_plans"),
        "finalized_invoices": Fact("Finalized invoices", int, watches="finalized_invoices"),
    }
    writes = ("*",)
    irreversible = True
    needs_survey = True
    survey_about = "What archiving would end and void"
    survey_part = "changes/surveys/archiving.html"
    undone_by = "customer.realias"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        survey, initial = basis.survey or {"contracts": [], "plans": []}, dict(basis.again)
        if "clear_aliases" in initial:
            initial["clear_aliases"] = "yes" if initial["clear_aliases"] else "no"
        return ArchiveForm(
            data,
            initial=initial,
            customer=(basis.state.get("name", ""), basis.state.get("id")),
            open_count=len(survey["contracts"]) + len(survey["plans"]),
            has_aliases=bool(basis.state.get("ingest_aliases", True)),
        )

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        survey, known = basis.surveyed(self.survey_about), basis.state
        live = survey["customer"]
        refuse_archived(live)
        if live["name"] != known["name"] or live["ingest_aliases"] != known["ingest_aliases"]:
            raise BadInput(
                "Metronome shows this customer differently by now. Refresh it, then propose again."
            )
        customer_id, name, aliases = live["id"], live["name"], live["ingest_aliases"]
        clears = bool(aliases) and entered.get("clear_aliases", False)
        finalized = [invoice for invoice in survey["invoices"] if invoice["status"] == "FINALIZED"]
        others = [each for each in survey["invoices"] if each["status"] not in KNOWN_STATUSES]
        whole = basis.thing
        calls = [Planned("customers.archive", Archiving(customer_id))]
        if clears:
            calls.insert(0, Planned("customers.setIngestAliases", WholeSet(customer_id, ())))
        return Proposal(
            kind=self.name,
            sentence=_sentence(name, aliases, clears, survey),
            customer_id=customer_id,
            subject_text=name,
            before={whole: live},
            calls=tuple(calls),
            holds=(
                of_itself(whole),
                *((of_itself(f"alias:{alias}") for alias in aliases) if clears else ()),
            ),
            watched={
                whole: {
                    "name": name,
                    "archived_at": None,
                    "ingest_aliases": aliases,
                    "open_contracts": sorted(contract["id"] for contract in survey["contracts"]),
                    "open_plans": sorted(plan["id"] for plan in survey["plans"]),
                    "finalized_invoices": sorted(invoice["id"] for invoice in finalized),
                }
            },
            facts={
                "irreversible": True,
                "aliases_added": 0,
                "aliases_removed": len(aliases) if clears else 0,
                "open_contracts": len(survey["contracts"]),
                "open_plans": len(survey["plans"]),
                "finalized_invoices": len(finalized) + len(others),  # they may be as grave
            },
            effects=tuple(_effects(whole, aliases, clears, survey, finalized)),
            form={"clear_aliases": clears, "open_business_reason": entered.get("open_business_reason", "")},
            warnings=tuple(_warnings(aliases, clears, survey, finalized, others, entered)),
            blast=tuple(_blast(aliases, clears, survey, finalized, others)),
            irreversible=True,
        )

    def example(self, world: World) -> Example:
        basis = world.surveyed("ingest_aliases", "contracts", "invoices")
        entered = {
            "clear_aliases": "yes",
            "open_business": "on",
            "open_business_reason": "The group contract replaces it.",
            "typed_name": basis.state["name"],
        }
        return Example(basis, "Merged into the group, FIN-2231.", entered)

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """The aliases, where they were cleared first."""
        if len(request.calls) == 1:
            return None
        (before,) = request.before.values()
        return {"ingest_aliases": before["ingest_aliases"]}


def _sentence(name: str, aliases: list[str], clears: bool, survey: dict[str, Any]) -> str:
    first = (
        f"Remove {counted(len(aliases), 'ingest alias', 'ingest aliases')} from " if clears else "Archive "
    )
    start = f"{first}{quoted(name)}, then archive it" if clears else f"{first}{quoted(name)}"
    consequences = []
    if survey["contracts"]:
        consequences.append(f"ends {counted(len(survey['contracts']), 'contract')}")
    if survey["invoices"]:
        consequences.append(f"voids {counted(len(survey['invoices']), 'invoice')}")
    consequences.append("cannot be undone")
    joined = (
        consequences[0]
        if len(consequences) == 1
        else f"{', '.join(consequences[:-1])} and {consequences[-1]}"
    )
    return f"{start}, which {joined}."


def _warnings(
    aliases: list[str],
    clears: bool,
    survey: dict[str, Any],
    finalized: list[dict[str, Any]],
    others: list[dict[str, Any]],
    entered: dict[str, Any],
) -> list[Caution]:
    cautions = [
        Caution("bad", "Cannot be undone.", "Metronome has no way to bring an archived customer back.")
    ]
    if survey["contracts"] or survey["plans"]:
        cautions.append(
            Caution(
                "warn",
                "Plans or contracts are open.",
                "Contracts end at once; what becomes of plans, Metronome does not say. "
                f"Reason given: {entered.get('open_business_reason') or 'none'}",
            )
        )
    if finalized:
        cautions.append(
            Caution(
                "bad",
                f"{counted(len(finalized), 'finalized invoice is', 'finalized invoices are')} voided.",
                "A void is final in Metronome.",
            )
        )
    if others:
        cautions.append(
            Caution(
                "bad",
                f"{counted(len(others), 'invoice has', 'invoices have')} a status that is not known here.",
                f"Metronome says {_statuses(others)}: look there before anybody decides.",
            )
        )
    if aliases and not clears:
        cautions.append(
            Caution(
                "warn",
                f"{counted(len(aliases), 'alias stays', 'aliases stay')} locked.",
                "An archived customer keeps its aliases; no other customer can ever use them.",
            )
        )
    return cautions


def _effects(
    whole: str,
    aliases: list[str],
    clears: bool,
    survey: dict[str, Any],
    finalized: list[dict[str, Any]],
) -> list[Effect]:
    """What archiving makes of what hangs on the customer; of plans Metronome does not say it."""
    drafts = [invoice for invoice in survey["invoices"] if invoice["status"] == "DRAFT"]
    effects = [
        Effect(f"{counted(len(of), what, whats)}", whole, field, gone=[each["id"] for each in of])
        for of, what, whats, field in (
            (survey["contracts"], "contract ends", "contracts end", "open_contracts"),
            (finalized, "finalized invoice is voided", "finalized invoices are voided", "finalized_invoices"),
            (drafts, "draft invoice is voided", "draft invoices are voided", "draft_invoices"),
        )
        if of
    ]
    if aliases and not clears:
        words = counted(len(aliases), "ingest alias stays", "ingest aliases stay")
        effects.append(Effect(words, whole, "ingest_aliases", kept=aliases))
    return effects


def _blast(
    aliases: list[str],
    clears: bool,
    survey: dict[str, Any],
    finalized: list[dict[str, Any]],
    others: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    drafts = len(survey["invoices"]) - len(finalized) - len(others)
    rows = [
        {
            "count": len(survey["contracts"]),
            "what": "Contracts",
            "detail": ", ".join(contract["name"] for contract in survey["contracts"][:8]),
            "then": "ended at once",
            "money": [],
        },
        {
            "count": len(survey["plans"]),
            "what": "Plans",
            "detail": ", ".join(plan["name"] for plan in survey["plans"][:8]),
            "then": "left on the archived customer",
            "money": [],
        },
        {
            "count": len(finalized),
            "what": "Finalized invoices",
            "detail": _period(finalized),
            "then": "voided for good",
            "money": survey["finalized_totals"],
        },
        {
            "count": drafts,
            "what": "Draft invoices",
            "detail": "",
            "then": "voided; never sent",
            "money": survey["draft_totals"],
        },
        {
            "count": len(others),
            "what": "Invoices of unknown status",
            "detail": _statuses(others),
            "then": "not known: whether they were sent, and whether they are voided",
            "money": survey.get("other_totals", []),
        },
        {
            "count": len(aliases),
            "what": "Ingest aliases",
            "detail": ", ".join(aliases[:8]),
            "then": "free for others" if clears else "locked to the archived customer for ever",
            "money": [],
        },
    ]
    return [row | {"what": _named(row["count"], row["what"])} for row in rows if row["count"]]


def _named(number: int, what: str) -> str:
    """The noun of a row, one or several of it."""
    return counted(number, *NAMES[what]).partition(" ")[2]


NAMES = {
    "Contracts": ("contract", "contracts"),
    "Plans": ("plan", "plans"),
    "Finalized invoices": ("finalized invoice", "finalized invoices"),
    "Draft invoices": ("draft invoice", "draft invoices"),
    "Invoices of unknown status": ("invoice of unknown status", "invoices of unknown status"),
    "Ingest aliases": ("ingest alias", "ingest aliases"),
}


def _statuses(invoices: list[dict[str, Any]]) -> str:
    said = sorted({invoice["status"] for invoice in invoices})
    return ", ".join(quoted(each) for each in said[:8])


def _period(invoices: list[dict[str, Any]]) -> str:
    starts = sorted(invoice["start"] for invoice in invoices if invoice["start"])
    ends = sorted(invoice["end"] for invoice in invoices if invoice["end"])
    return f"{starts[0]} up to {ends[-1]}" if starts and ends else ""
