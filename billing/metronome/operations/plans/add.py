"""`plans.add`: POST /v1/customers/{customer_id}/plans/add. No uniqueness key; what is new in its list tells.

Plans are Metronome's older way. Price adjustments and spending caps are not asked for. Whether Metronome
refuses overlapping or past plans is not documented: it may, in words of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.objects.plan import NO_END, at_midnight, day, terms_of
from billing.metronome.objects.subscription import CustomerPlanRecord, customer_plans
from billing.metronome.operations.base import (
    FindFacts,
    Finding,
    Id,
    Operation,
    States,
    claimed,
    id_text,
    thing,
    with_new,
)
from billing.metronome.operations.proof import id_told, named_one, one_of_the_new, reread
from billing.metronome.outcomes import OutcomeUnknown

if TYPE_CHECKING:
    from billing.metronome.account import Gateway

NOUN = "customer plan"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who gets which plan, from the midnight (UTC) of a day on, up to that of another or for good (`""`).

    net_payment_terms_days, trial_days: None where the plan's own, or none, count.
    """

    customer_id: Id
    plan_id: str
    starting_on: str
    ending_before: str
    net_payment_terms_days: int | None
    trial_days: int | None


class AddPlan(Operation[Subscription]):
    """Result: `{id}`, the subscription's."""

    name: ClassVar[str] = "plans.add"
    params = Subscription
    makes: ClassVar[str] = "customer_plan"

    def show(self, params: Subscription) -> HttpCall:
        body: dict[str, Any] = {
            "plan_id": id_text(params.plan_id),
            "starting_on": at_midnight(params.starting_on),
        }
        if params.ending_before:
            body["ending_before"] = at_midnight(params.ending_before)
            if params.ending_before <= params.starting_on:
                raise ValueError("The plan ends before it begins.")
        if params.net_payment_terms_days is not None:
            body["net_payment_terms_days"] = params.net_payment_terms_days
        if params.trial_days is not None:
            body["trial_spec"] = {"length_in_days": params.trial_days}
        return HttpCall("POST", f"/v1/customers/{id_text(params.customer_id)}/plans/add", body)

    def after(self, before: States, params: Subscription) -> States:
        whose = thing("customer", params.customer_id)
        plan = before.get(thing("plan", params.plan_id), {}).get("name", params.plan_id)
        end = f"up to {params.ending_before}" if params.ending_before else NO_END
        rows = before.get(whose, {}).get("plan_rows", {})
        return claimed(before, whose, plan_rows=with_new(rows, f"{plan}, from {params.starting_on}, {end}"))

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        made_id = id_told(answer, "the new customer plan")
        rows = reread(lambda: gateway.every(customer_plans(call.path.split("/")[3])), answer)
        wanted = call.body["plan_id"], call.body["starting_on"][:10], call.body.get("ending_before", "")[:10]
        if not any(row.id == made_id and _as_asked(row) == wanted for row in rows):
            raise OutcomeUnknown(
                "Metronome confirmed, but the customer’s list does not show the plan as asked for.",
                answer.evidence,
            )
        return {"id": made_id}

    def find(self, gateway: Gateway, facts: FindFacts[Subscription]) -> Finding:
        rows, looked = _rows(gateway, facts)
        params, known = facts.params, _known(facts)
        new = [row for row in rows if row.id not in known]
        wanted = (params.plan_id, params.starting_on, params.ending_before)
        return one_of_the_new(
            gateway,
            facts,
            looked,
            noun=NOUN,
            equal=[row.id for row in new if _as_asked(row) == wanted],
            near=[row.id for row in new if _as_asked(row)[:2] == wanted[:2]],
        )

    def bears_out(self, gateway: Gateway, facts: FindFacts[Subscription], made_id: str) -> Finding:
        rows, looked = _rows(gateway, facts)
        params = facts.params
        named = [row for row in rows if row.id == made_id]
        wanted = (params.plan_id, params.starting_on, params.ending_before)
        differs = f"reads “{terms_of(named[0])}”" if named and _as_asked(named[0]) != wanted else ""
        return named_one(
            NOUN,
            {"id": made_id},
            looked,
            was_there=made_id in _known(facts),
            is_there=bool(named),
            differs=differs,
        )

    def how_found(self) -> str:
        return "find our reference in Metronome’s own log, and the new one among the customer’s plans"


def _as_asked(row: CustomerPlanRecord) -> tuple[str, str, str]:
    return row.plan_id, day(row.starting_on), day(row.ending_before) if row.ending_before else ""


def _known(facts: FindFacts[Subscription]) -> dict[str, str]:
    """The subscriptions that it had before; a customer that the same request makes has none."""
    return facts.before.get(thing("customer", facts.params.customer_id), {}).get("plan_rows", {})


def _rows(
    gateway: Gateway, facts: FindFacts[Subscription]
) -> tuple[tuple[CustomerPlanRecord, ...], list[dict[str, Any]]]:
    """The customer's subscriptions, and what was read of them as evidence."""
    rows = gateway.every(customer_plans(id_text(facts.params.customer_id)))
    return rows, [{"read": "the customer’s plans", "saw": {row.id: terms_of(row) for row in rows}}]
