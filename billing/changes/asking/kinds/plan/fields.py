"""The part of a form that puts a customer on a plan, and what is said of the dates."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms

from billing import clock
from billing.changes.asking.kind import Fact, Part, quoted
from billing.changes.asking.proposal import Caution
from billing.lists.text import counted
from billing.metronome.operations.base import Id
from billing.metronome.operations.plans.add import Subscription
from billing.mirror.resources import plan as mirror
from billing.mirror.resources.subscription import CustomerPlan

LONGEST_TERMS, LONGEST_TRIAL = 365, 3_650
MOST_NAMED = 4
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)
"""No agreement is older, and none is made further ahead: such a day is a slip of the finger."""
FAR_AHEAD = timedelta(days=3_653)
PLAN_FACTS = {
    "backdated": Fact("A plan begins or ends in the past", bool),
    "overlapping_plans": Fact("Plans at the same time", int, watches="plan_rows"),
}
PLAN_PART = Part(
    "Plan",
    ("plan_id", "starting_on", "ending_before", "net_payment_terms_days", "trial_days"),
    note="Plans begin and end at 00:00 UTC.",
)


class DayField(forms.DateField):
    """A day, picked or typed as 2026-12-31; its value is that text, empty for none."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        super().__init__(
            input_formats=["%Y-%m-%d"],
            error_messages={"invalid": "Enter a day in the form 2026-12-31."},
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        day = super().clean(value)
        if day and not FIRST_DAY <= day < LAST_DAY:
            raise forms.ValidationError(f"Enter a day from {FIRST_DAY} on and before {LAST_DAY}.")
        return day.isoformat() if day else ""


ENDS, GOES_ON = "ends", "goes_on"


def what_becomes_of_it() -> forms.ChoiceField:
    """Whether something ends, or has its end taken away: never by leaving a day out."""
    return forms.ChoiceField(
        label="What becomes of it",
        choices=[
            (ENDS, "It ends before the day below"),
            (GOES_ON, "Its end is taken away: it goes on for good"),
        ],
        initial=ENDS,
        widget=forms.RadioSelect,
    )


def check_end(form: forms.Form, entered: dict[str, Any], *, end: str, what: str) -> None:
    """Refuse an end without its day, and a day without an end. end: `its end`; what: `the contract`."""
    if entered.get("how") == ENDS and not entered.get("ending_before"):
        if "ending_before" not in form.errors:
            form.add_error("ending_before", f"Say the day. Without one, {end} would be taken away.")
    elif entered.get("how") == GOES_ON and entered.get("ending_before"):
        form.add_error("ending_before", f"Clear the day, or choose that {what} ends.")


class PlanFields(forms.Form):
    """Which plan, from when until when, and what differs from the plan's own terms."""

    plan_id = forms.ChoiceField(label="Plan")
    starting_on = DayField(label="From")
    ending_before = DayField(
        label="Up to, not including", required=False, help_text="Without a day it goes on for good."
    )
    net_payment_terms_days = forms.IntegerField(
        label="Net payment terms, in days",
        required=False,
        min_value=0,
        max_value=LONGEST_TERMS,
        help_text="How long after its issue an invoice is due. Empty: as the plan has it.",
    )
    trial_days = forms.IntegerField(
        label="Trial, in days",
        required=False,
        min_value=1,
        max_value=LONGEST_TRIAL,
        help_text="Counted from the first day. Empty: no trial of its own.",
    )

    may_be_left_out = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(plan.id), plan.name) for plan in mirror.plans_on_offer()]
        none = "No plan yet" if self.may_be_left_out else "Choose a plan"
        self.fields["plan_id"].choices = [("", none), *choices]
        for name in ("plan_id", "starting_on"):
            self.fields[name].required = not self.may_be_left_out

    def clean(self) -> dict[str, Any]:
        entered = super().clean()
        start, end = entered.get("starting_on"), entered.get("ending_before")
        if start and end and end <= start:
            self.add_error("ending_before", f"It has to be after {start}, when the plan begins.")
        return entered


def subscription(entered: dict[str, Any], customer_id: Id) -> Subscription:
    """What was entered, as the call takes it."""
    return Subscription(
        customer_id,
        entered["plan_id"],
        entered["starting_on"],
        entered["ending_before"],
        entered["net_payment_terms_days"],
        entered["trial_days"],
    )


def plan_form(entered: dict[str, Any]) -> dict[str, Any]:
    """What was entered of the plan, to prefill a new request."""
    return {name: entered[name] for name in PLAN_PART.names}


def named_plan(plan_id: str) -> str:
    """A plan's name as the mirror has it; its id where the mirror has none."""
    return next((plan.name for plan in mirror.plans_on_offer() if str(plan.id) == plan_id), plan_id)


def span(entered: dict[str, Any]) -> str:
    """`from 2026-12-01 on`, or `from 2026-12-01 up to 2027-12-01`; then a trial, and days to pay."""
    end = f"up to {entered['ending_before']}" if entered["ending_before"] else "on"
    terms = [
        counted(entered["trial_days"], "day of trial", "days of trial") if entered["trial_days"] else "",
        f"{counted(entered['net_payment_terms_days'], 'day', 'days')} to pay"
        if entered["net_payment_terms_days"] is not None
        else "",
    ]
    told = " and ".join(each for each in terms if each)
    return f"from {entered['starting_on']} {end}{f', with {told}' if told else ''}"


def overlapping(rows: list[CustomerPlan], entered: dict[str, Any]) -> list[CustomerPlan]:
    """Those of a customer's subscriptions that are in force at some moment of what was entered."""
    start, end = entered["starting_on"], entered["ending_before"]
    return [
        row
        for row in rows
        if (not end or row.starting_on.date().isoformat() < end)
        and (row.ending_before is None or start < row.ending_before.date().isoformat())
        and row.starting_on != row.ending_before
    ]


def days_back(day: str) -> int:
    """How many days a day lies in the past; none for today and later."""
    return max(0, (clock.now().date() - date.fromisoformat(day)).days)


def days_ahead(number: int) -> str:
    """The day that is so many days from today."""
    return (clock.now().date() + timedelta(days=number)).isoformat()


def far_ahead(day: str, what: str) -> list[Caution]:
    """A caution for a beginning that lies more than ten years ahead; what: `The plan`."""
    years = (date.fromisoformat(day) - clock.now().date()) // timedelta(days=365)
    if date.fromisoformat(day) - clock.now().date() <= FAR_AHEAD:
        return []
    return [Caution("warn", f"{what} begins {years} years from now.", "Look at the year once more.")]


def plan_cautions(entered: dict[str, Any], overlaps: list[CustomerPlan]) -> list[Caution]:
    """A beginning in the past or far ahead, and other plans at the same time."""
    cautions = far_ahead(entered["starting_on"], "The plan")
    if back := days_back(entered["starting_on"]):
        cautions.append(
            Caution(
                "warn",
                "The plan begins in the past.",
                f"{counted(back, 'day')} back: usage since then is billed under it. Whether Metronome takes "
                "a past day, it does not say.",
            )
        )
    if overlaps:
        named = ", ".join(quoted(row.plan.name) for row in overlaps[:MOST_NAMED])
        more = f" and {len(overlaps) - MOST_NAMED} more" if len(overlaps) > MOST_NAMED else ""
        cautions.append(
            Caution(
                "warn",
                "Another plan is in force at the same time.",
                f"{named}{more}. Usage may be billed under both; whether Metronome refuses that, "
                "it does not say.",
            )
        )
    return cautions
