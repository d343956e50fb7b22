"""End a customer's plan. To take its end away is said apart: Metronome does so where no day is sent."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Fact, Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.held import refuse_archived
from billing.changes.asking.kinds.plan.fields import (
    ENDS,
    GOES_ON,
    DayField,
    check_end,
    days_ahead,
    days_back,
    what_becomes_of_it,
)
from billing.changes.asking.proposal import Caution, Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.lists.text import counted
from billing.metronome.objects.plan import end_of, terms
from billing.metronome.operations.base import thing
from billing.metronome.operations.plans.end import Ending
from billing.mirror.resources.subscription import subscription_rows, subscriptions


class EndPlanForm(ProposalForm):
    """Which plan, and either the day that it ends before, or that it shall have no end any more."""

    customer_plan_id = forms.ChoiceField(label="Plan", widget=forms.RadioSelect)
    how = what_becomes_of_it()
    ending_before = DayField(
        label="Up to, not including",
        required=False,
        help_text="The plan ends at 00:00 UTC of this day. Its own first day: as if it never was.",
    )

    def __init__(
        self, *args: Any, choices: list[tuple[str, str]], has_end: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if not has_end:
            self.fields["how"].widget.choices = self.fields["how"].choices[:1]
        self.fields["customer_plan_id"].choices = choices
        self.fields["ending_before"].needed_where = "needed where it ends"
        if len(choices) == 1:
            self.initial.setdefault("customer_plan_id", choices[0][0])

    def clean(self) -> dict[str, Any]:
        entered = super().clean()
        check_end(self, entered, end="the plan’s end", what="the plan")
        return entered


class EndPlan(Kind):
    """`plan.end`"""

    name = "plan.end"
    label = "End a plan"
    facts = {
        "backdated": Fact("A plan begins or ends in the past", bool),
        "goes_on": Fact("A plan’s end is taken away", bool),
    }
    writes = ("plans",)
    undone_by = "plan.end"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        rows = subscription_rows(basis.state["id"])
        alike = Counter(rows.values())
        choices = [(of, f"{words} ({of})" if alike[words] > 1 else words) for of, words in rows.items()]
        has_end = any(end_of(words) for words in rows.values())
        return EndPlanForm(data, initial=basis.again, choices=choices, has_end=has_end)

    def why_not(self, basis: Basis) -> str:
        has_plans = subscription_rows(basis.state["id"])
        return "" if has_plans else "This customer is on no plan and never was, so there is none to end."

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        refuse_archived(basis.state)
        whole, day = thing("customer", basis.state["id"]), entered["ending_before"]
        held = {str(row.pk): row for row in subscriptions(basis.state["id"])}
        if (row := held.get(entered["customer_plan_id"])) is None:
            raise BadInput("That is none of this customer’s plans.", field="customer_plan_id")
        start, old = row.starting_on.date().isoformat(), row.ending_before
        goes_on = entered["how"] == GOES_ON
        if goes_on and old is None:
            raise BadInput("It has no end as it is.", field="how")
        if not goes_on and old is not None and day == old.date().isoformat():
            raise BadInput("It ends then already.", field="ending_before")
        if day and day < start:
            raise BadInput(f"It begins on {start}: the end can’t be before.", field="ending_before")
        rows, plan = subscription_rows(basis.state["id"]), quoted(row.plan.name)
        moved = "End the plan" if old is None else "Move the end of the plan"
        sentence = (
            f"Take away the end of the plan {plan} of {quoted(basis.state['name'])}: it goes on for good."
            if goes_on
            else f"{moved} {plan} of {quoted(basis.state['name'])} {'before' if old is None else 'to'} {day}."
        )
        return Proposal(
            kind=self.name,
            sentence=sentence,
            customer_id=basis.state["id"],
            subject_text=basis.state["name"],
            before={whole: {**basis.state, "plan_rows": rows}},
            calls=(Planned("plans.end", Ending(basis.state["id"], str(row.pk), day, goes_on=goes_on)),),
            holds=(of_itself(whole, "plans"),),
            watched={whole: {"plan_rows": rows, "archived_at": None}},
            facts={
                "irreversible": False,
                "backdated": bool(day and days_back(day)),
                "goes_on": goes_on,
            },
            form={"customer_plan_id": str(row.pk), "how": entered["how"], "ending_before": day},
            warnings=tuple(_cautions(day, goes_on, terms(row.plan.name, row.starting_on, old), start)),
        )

    def example(self, world: World) -> Example:
        basis = world.surveyed("plans")
        entered = {
            "customer_plan_id": basis.survey["plans"][0]["id"],
            "how": ENDS,
            "ending_before": days_ahead(400),
        }
        return Example(basis, "Not renewed, their letter of last week.", entered)

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """The former end of the same plan, or that it had none."""
        of = request.form["customer_plan_id"]
        (watched,) = request.watched.values()
        former = end_of(watched["plan_rows"][of])
        return {"customer_plan_id": of, "how": ENDS if former else GOES_ON, "ending_before": former}


def _cautions(day: str, goes_on: bool, words: str, start: str) -> list[Caution]:
    cautions = []
    if goes_on:
        cautions.append(
            Caution(
                "warn",
                "The plan has no end any more.",
                f"It reads “{words}” today, and is billed until somebody ends it.",
            )
        )
    elif day == start:
        cautions.append(
            Caution(
                "warn", "The plan never was.", "It ends on its first day, so that nothing is billed under it."
            )
        )
    if day and (back := days_back(day)):
        cautions.append(
            Caution(
                "warn",
                "The plan ends in the past.",
                f"{counted(back, 'day')} back. Metronome refuses a day before the last finalized invoice: no "
                "invoice is voided by this.",
            )
        )
    return cautions
