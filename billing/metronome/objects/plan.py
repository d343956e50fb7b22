"""Plans, and what a customer's subscription to one says in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from billing.metronome.instants import date_of
from billing.metronome.listing import Item, Listing
from billing.metronome.objects.subscription import CustomerPlanRecord
from billing.metronome.outcomes import storable
from billing.metronome.records import id_in, optional_text_in, text_in, texts_in

NO_END = "no end"


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan (reference §3.2)."""

    id: str
    name: str
    description: str
    custom_fields: dict[str, str]
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> PlanRecord:
        return cls(
            id=id_in(source),
            name=text_in(source, "name"),
            description=optional_text_in(source, "description") or "",
            custom_fields=texts_in(source, "custom_fields"),
            raw=source,
        )


PLANS: Listing[PlanRecord] = Listing("/v1/plans", PlanRecord.from_json, {"limit": 100})
"""All plans of the account."""


def plan_at(plan_id: str) -> Item[PlanRecord]:
    """One plan: GET /v1/planDetails/{plan_id}."""
    return Item(f"/v1/planDetails/{plan_id}", PlanRecord.from_json)


def terms(plan_name: str, starting_on: datetime, ending_before: datetime | None) -> str:
    """`Enterprise, from 2026-12-01, no end`: the same words whether the mirror or Metronome is asked."""
    end = f"up to {day(ending_before)}" if ending_before else NO_END
    return f"{storable(plan_name)}, from {day(starting_on)}, {end}"


def terms_of(subscription: CustomerPlanRecord) -> str:
    """The words of one subscription as Metronome gives it."""
    return terms(subscription.plan_name, subscription.starting_on, subscription.ending_before)


def in_short(subscription: CustomerPlanRecord) -> dict[str, Any]:
    """What a person sees of a subscription beside others."""
    return {
        "id": subscription.id,
        "name": storable(subscription.plan_name),
        "starting_on": date_of(subscription.starting_on),
        "ending_before": date_of(subscription.ending_before),
    }


def with_end(words: str, ending_before: str) -> str:
    """The words of a subscription that ends before this day instead; with none it goes on for good."""
    return f"{words.rpartition(', ')[0]}, {f'up to {ending_before}' if ending_before else NO_END}"


def end_of(words: str) -> str:
    """The day before which a subscription of these words ends; empty where it has no end."""
    end = words.rpartition(", ")[2]
    return "" if end == NO_END else end.removeprefix("up to ")


def day(moment: datetime) -> str:
    """`2026-12-01` for midnight UTC, which plans begin and end at; any other moment whole."""
    moment = moment.astimezone(UTC)
    is_midnight = not (moment.hour or moment.minute or moment.second or moment.microsecond)
    return moment.date().isoformat() if is_midnight else moment.isoformat()


def at_midnight(of_day: str) -> str:
    """A day as Metronome takes it: 00:00 UTC. Raises ValueError for what is no day."""
    parsed = datetime.strptime(of_day, "%Y-%m-%d").replace(tzinfo=UTC)
    if parsed.date().isoformat() != of_day:
        raise ValueError(f"“{of_day}” is no day in the form 2026-12-31")
    return f"{of_day}T00:00:00Z"
