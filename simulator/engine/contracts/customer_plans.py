"""Customer plans (Metronome 1.0) at the end of their customer."""

from __future__ import annotations

from simulator.world import World


def end_all(world: World, customer_id: str) -> None:
    """End a customer's plans today; one that is still to come never begins."""
    today = f"{world.stamp()[:10]}T00:00:00.000Z"
    for plan_id in world.plans_of.get(customer_id, []):
        row = world.customer_plans[plan_id]
        if row["ending_before"] is None or row["ending_before"] > today:
            row["ending_before"] = max(today, row["starting_on"])
