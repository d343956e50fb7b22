"""Billing periods: which stretch of time one usage invoice covers."""

from __future__ import annotations

from functools import lru_cache

from simulator.checks import moment_of
from simulator.engine.prices.schedules import DAYS, MONTHS, step
from simulator.world import Row, World


def first_of_month(at: str) -> str:
    """Midnight of the first day of the month."""
    return f"{at[:7]}-01T00:00:00.000Z"


ON_THE_HOUR = "00:00.000Z"


def containing(anchor: str, frequency: str, at: str) -> tuple[str, str]:
    """The period that an instant lies in; periods begin at the anchor and go on in both directions.

    Those of an anchor on the hour are the same for the whole of each hour, and are worked out once for it.
    """
    return _containing(anchor, frequency, at[:14] + ON_THE_HOUR if anchor[14:] == ON_THE_HOUR else at)


@lru_cache(maxsize=10_000)
def _containing(anchor: str, frequency: str, at: str) -> tuple[str, str]:
    if frequency in MONTHS:
        months = (int(at[:4]) - int(anchor[:4])) * 12 + int(at[5:7]) - int(anchor[5:7])
        number = months // MONTHS[frequency]
    else:
        number = _days(anchor, at) // DAYS[frequency]
    if step(anchor, frequency, number) > at:
        number -= 1
    return step(anchor, frequency, number), step(anchor, frequency, number + 1)


def _days(start: str, end: str) -> int:
    """Whole days, rounded down."""
    return (moment_of(end, "end") - moment_of(start, "start")).days


def of_contract(contract: Row, at: str) -> tuple[str, str]:
    """The usage period of a contract that an instant lies in, cut at the contract's own start and end."""
    schedule = contract.get("usage_statement_schedule") or {}
    anchor = schedule.get("billing_anchor_date") or first_of_month(contract["starting_at"])
    start, end = containing(anchor, schedule.get("frequency", "MONTHLY"), at)
    last = contract.get("ending_before")
    return max(start, contract["starting_at"]), min(end, last) if last else end


def is_active(row: Row, now: str) -> bool:
    """Whether a contract has begun, not ended, and is not archived."""
    end = row.get("ending_before")
    return not row.get("archived_at") and row["starting_at"] <= now and not (end and end <= now)


def current(world: World, customer_id: str) -> tuple[str, str] | None:
    """The billing period now: of the first active contract, else of an active plan; None without either."""
    now = world.stamp()
    for contract in world.contracts_of.get(customer_id, []):
        if is_active(contract, now):
            return of_contract(contract, now)
    for plan_id in world.plans_of.get(customer_id, []):
        plan = world.customer_plans[plan_id]
        if plan["starting_on"] <= now and not (plan["ending_before"] and plan["ending_before"] <= now):
            start, end = containing(plan["starting_on"], "MONTHLY", now)
            return start, min(end, plan["ending_before"]) if plan["ending_before"] else end
    return None


def month_of_plan(plan: Row, start: str) -> tuple[str, str] | None:
    """The billing month of a customer plan that begins at exactly this instant, or None."""
    begin, end = containing(plan["starting_on"], "MONTHLY", start)
    if begin != start or start < plan["starting_on"]:
        return None
    if plan["ending_before"] and start >= plan["ending_before"]:
        return None
    return begin, end
