"""What an alert watches, when it looks, and what it tells: reference §3.8 and §4.4, simple on purpose.

An alert looks a second after it is made, then every three minutes of the account's clock, and whenever its
state is asked for. It tells only what changes: once when a customer gets into alarm.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from simulator import agenda, notices
from simulator.agenda import due
from simulator.amounts import exact
from simulator.checks import rfc3339
from simulator.engine.alerts.alert_kinds import KINDS
from simulator.engine.alerts.readings import DAY, Reading
from simulator.world import Row, World

FIRST_LOOK = timedelta(seconds=1)
EVERY = timedelta(minutes=3)


def key_of(alert_id: str, customer_id: str) -> str:
    """Where `world.alert_states` keeps what is known of the two."""
    return f"{alert_id}/{customer_id}"


def state(world: World, alert: Row, customer_id: str) -> Row:
    """{customer_status, updated_at, triggered_by?} as the API shows it, after a look where one is due."""
    if alert["status"] == "archived":
        return {"customer_status": None, "updated_at": alert["archived_at"]}
    known = world.alert_states.get(key_of(alert["id"], customer_id))
    waits = known["customer_status"] == "evaluating" if known else world.stamp() < alert["looks_from"]
    if waits:
        return known or {"customer_status": "evaluating", "updated_at": alert["created_at"]}
    look(world, alert, customer_id)
    fine = {"customer_status": "ok", "updated_at": alert["looks_from"]}
    return world.alert_states.get(key_of(alert["id"], customer_id), fine)


def look(world: World, alert: Row, customer_id: str, *, quietly: bool = False) -> None:
    """Compare one customer with the threshold; a change is kept, and told unless `quietly`."""
    if world.customers[customer_id]["archived_at"]:
        return
    known = world.alert_states.get(key_of(alert["id"], customer_id), {"customer_status": "ok"})
    worst, alarmed = judged(world, alert, customer_id)
    status = "in_alarm" if alarmed else "ok"
    if status == known["customer_status"]:
        return
    cause = {"triggered_by": worst.cause} if alarmed and worst and worst.cause else {}
    fresh = {"customer_status": status, "updated_at": world.stamp(), **cause}
    world.alert_states[key_of(alert["id"], customer_id)] = fresh
    was_alarmed = known["customer_status"] == "in_alarm"
    resolved = was_alarmed and world.switches["resolved_alerts"] == "send"
    if not quietly and (alarmed or resolved):
        _tell(world, alert, customer_id, worst, "" if alarmed else "_resolved")


def judged(world: World, alert: Row, customer_id: str) -> tuple[Reading | None, bool]:
    """The reading nearest to alarm, and whether it is one. Without anything to watch there is none."""
    kind = KINDS[alert["type"]]
    readings = list(kind.read(world, alert, customer_id))
    if not readings:
        return None, False
    choose = min if kind.low else max
    worst = choose(readings, key=lambda each: each.value)
    threshold = exact(alert["threshold"])
    return worst, worst.value <= threshold if kind.low else worst.value >= threshold


def _tell(world: World, alert: Row, customer_id: str, worst: Reading | None, suffix: str) -> None:
    members = dict(worst.members) if worst else {}
    if worst and worst.cause:
        members["triggered_by"] = worst.cause
    notices.wrapped(
        world,
        f"alerts.{alert['type']}{suffix}",
        customer_id=customer_id,
        alert_id=alert["id"],
        alert_name=alert["name"],
        timestamp=world.stamp(),
        threshold=alert["threshold"],
        **members,
    )


def begin(world: World, alert: Row) -> None:
    """Put an alert's first look on the agenda."""
    agenda.plan(world, alert["looks_from"], "alert.look", alert_id=alert["id"], first=True)


def reset(world: World, alert: Row, customer_id: str) -> None:
    """Forget what is known of the two; the fresh look follows a second later."""
    world.alert_states[key_of(alert["id"], customer_id)] = {
        "customer_status": "evaluating",
        "updated_at": world.stamp(),
    }
    at = rfc3339(world.now() + FIRST_LOOK)
    agenda.plan(world, at, "alert.again", alert_id=alert["id"], customer_id=customer_id)


@due("alert.look")
def _look_at_all(world: World, *, alert_id: str, first: bool) -> None:
    alert = world.alerts[alert_id]
    if alert["status"] != "enabled":
        return
    for customer_id in concerned(world, alert):
        look(world, alert, customer_id, quietly=first and not alert["evaluate_on_create"])
    agenda.plan(world, rfc3339(_next(world)), "alert.look", alert_id=alert_id, first=False)


@due("alert.again")
def _look_again(world: World, *, alert_id: str, customer_id: str) -> None:
    if world.alerts[alert_id]["status"] == "enabled":
        look(world, world.alerts[alert_id], customer_id)


def _next(world: World) -> datetime:
    """Three minutes on. A clock that was moved far is followed in steps of a day or more, about 100."""
    here = world.now()
    world.moment = None
    gap = world.now() - here
    world.moment = here
    if gap <= DAY:
        return here + max(gap, EVERY)
    return here + max(DAY, gap / 31)


def concerned(world: World, alert: Row) -> list[str]:
    """The customers that an alert has to look at; those without anything that it watches may be left out."""
    if "customer_id" in alert:
        return [alert["customer_id"]]
    return [each for each in dict.fromkeys(KINDS[alert["type"]].customers(world)) if each in world.customers]
