"""Plans (Metronome 1.0): made in Metronome's own app, chosen here."""

from __future__ import annotations

from collections.abc import Collection

from billing.metronome.account import Gateway
from billing.metronome.objects.plan import PLANS, plan_at
from billing.metronome.outcomes import storable
from billing.mirror.models import Plan
from billing.mirror.resource import Field, Resource, State, Whole


class PlanResource(Resource):
    """What a plan is called. Metronome knows no archived ones: a plan is there or it isn't."""

    name = "plan"
    model = Plan
    turn = 2
    reads = (Whole("plans", PLANS),)
    fields = (Field("name", "name"),)

    def read(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        plan = gateway.one(plan_at(thing_id))
        if plan is None:  # a lone 404 is a suspicion
            plan = next((each for each in gateway.every(PLANS) if each.id == thing_id), None)
        return None if plan is None else {"name": storable(plan.name)}
