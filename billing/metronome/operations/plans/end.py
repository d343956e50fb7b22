"""`plans.end`: POST /v1/customers/{customer_id}/plans/{customer_plan_id}/end. Sets the end of a subscription.

Metronome clears the end where the date is left out. Here that takes a word of its own: without a date and
without `goes_on` there is no call. Invoices that lie after the end are not asked to be voided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.objects.plan import at_midnight, day, terms_of, with_end
from billing.metronome.objects.subscription import customer_plans
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
from billing.metronome.operations.proof import neither_old_nor_ours, reread, still_as_before
from billing.metronome.outcomes import OutcomeUnknown

if TYPE_CHECKING:
    from billing.metronome.account import Gateway


@dataclass(frozen=True, slots=True)
class Ending:
    """Whose subscription ends before midnight (UTC) of which day; with `goes_on` and no day, its end goes."""

    customer_id: Id
    customer_plan_id: Id
    ending_before: str
    goes_on: bool


class EndPlan(Operation[Ending]):
    """Result: `{id, ending_before}`, the subscription's, the day empty where there is no end."""

    name: ClassVar[str] = "plans.end"
    params = Ending

    def show(self, params: Ending) -> HttpCall:
        if params.goes_on == bool(params.ending_before):
            raise ValueError("A plan ends before a day, or goes on without an end; say which.")
        body = {} if params.goes_on else {"ending_before": at_midnight(params.ending_before)}
        path = f"/v1/customers/{id_text(params.customer_id)}/plans/{id_text(params.customer_plan_id)}/end"
        return HttpCall("POST", path, body)

    def after(self, before: States, params: Ending) -> States:
        whose, of = thing("customer", params.customer_id), str(params.customer_plan_id)
        rows = before.get(whose, {}).get("plan_rows", {})
        if of not in rows:
            return before
        return claimed(before, whose, plan_rows={**rows, of: with_end(rows[of], params.ending_before)})

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        _, _, _, customer_id, _, of, _ = call.path.split("/")
        wanted = call.body.get("ending_before", "")[:10]
        rows = reread(lambda: gateway.every(customer_plans(customer_id)), answer)
        ends = {row.id: day(row.ending_before) if row.ending_before else "" for row in rows}
        if ends.get(of) != wanted:
            raise OutcomeUnknown(
                "Metronome confirmed, but the customer’s plan does not read so.", answer.evidence
            )
        return {"id": of, "ending_before": wanted}

    def find(self, gateway: Gateway, facts: FindFacts[Ending]) -> Finding:
        params = facts.params
        of, wanted = id_text(params.customer_plan_id), params.ending_before
        rows = {row.id: row for row in gateway.every(customer_plans(id_text(params.customer_id)))}
        if of not in rows:
            return Finding(Proof.CANNOT_TELL, "Metronome no longer lists this customer plan.", None, [])
        words = terms_of(rows[of])
        looked = [{"read": "the customer’s plans", "saw": {of: words}}]
        result = {"id": of, "ending_before": wanted}
        live = day(rows[of].ending_before) if rows[of].ending_before else ""
        if live == wanted:
            return Finding(Proof.APPLIED, "The plan reads as asked for.", result, looked)
        old = facts.before.get(thing("customer", params.customer_id), {}).get("plan_rows", {}).get(of)
        if words != old:
            return neither_old_nor_ours(
                gateway,
                facts,
                looked,
                result=result,
                took_effect=f"It took effect; since then somebody has changed the end. It reads “{words}”.",
                otherwise=f"It reads “{words}”, neither as before nor as asked for.",
            )
        return still_as_before(gateway, facts, looked, what="the old end", holds="The plan still has")

    def how_found(self) -> str:
        return "read the customer’s plans: applied when this one ends as asked for"
