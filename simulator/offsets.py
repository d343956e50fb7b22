"""Offset notifications: so long before or after an event of a contract, commit or credit (reference §4.4).

What has a date of its own (a start, an end, a segment) is planned from that date and looked at again when
the time comes; a creation, edit or archive is followed once it has happened. What would be past is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from simulator import agenda, outbox
from simulator.agenda import due
from simulator.checks import moment_of, rfc3339
from simulator.http import ApiError
from simulator.world import Row, World

DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?=.)(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?"
    r"(?:(?P<days>\d{1,4})D)?(?:T(?=.)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?"
    r"(?:(?P<seconds>\d{1,8}(?:\.\d{1,3})?)S)?)?",
    re.ASCII,
)
BAD = "BadRequest"
LONGEST = timedelta(days=3_660)
CONTRACT_DATES = {"contract.start": "starting_at", "contract.end": "ending_before"}
SEGMENT_DATES = {"segment.start": "starting_at", "segment.end": "ending_before"}
DATED = frozenset(CONTRACT_DATES) | {
    f"{kind}.{event}" for kind in ("commit", "credit") for event in SEGMENT_DATES
}


def shifted(at: str, duration: str) -> str:
    """An instant and a signed ISO 8601 duration. Raises ApiError 400 for what isn't one or is too long."""
    found = DURATION.fullmatch(duration)
    if found is None:
        raise ApiError(400, "policy.offset must be an ISO 8601 duration such as P1D or -PT2H", code=BAD)
    parts = {name: float(text) for name, text in found.groupdict().items() if text and name != "sign"}
    sign = -1 if found["sign"] == "-" else 1
    months = int(parts.pop("years", 0) * 12 + parts.pop("months", 0))
    rest = timedelta(**parts)
    if rest + timedelta(days=31) * months > LONGEST:
        raise ApiError(400, "policy.offset must be at most ten years", code=BAD)
    moved = agenda.months_later(at, sign * months)
    return rfc3339(moment_of(moved, "at") + sign * rest)


def check(world: World, policy: Row) -> None:
    """Raises ApiError 400 for an unknown type, no duration, or a time before something nobody can foresee."""
    kind, now = policy["type"], world.stamp()
    if kind not in outbox.TYPES:
        raise ApiError(400, f"policy.type must be one of {', '.join(outbox.TYPES)}", code=BAD)
    if shifted(now, policy["offset"]) < now and kind not in DATED:
        raise ApiError(400, f"policy.offset can't be negative for {kind}", code=BAD)


def begin(world: World, notification: Row) -> None:
    """Plan a new or edited notification for everything that is there."""
    kind = notification["policy"]["type"]
    if kind in CONTRACT_DATES:
        subjects = [each for rows in world.contracts_of.values() for each in rows]
    elif kind in DATED:
        subjects = [each for each in world.balances.values() if each["kind"] == kind.split(".")[0]]
    else:
        return
    planned = _planned(world, notification)
    for each in subjects:
        _plan(world, notification, each, planned)


def foresee_contract(world: World, contract: Row) -> None:
    """Plan what counts from a contract's start and end as they are now."""
    _foresee(world, contract, frozenset(CONTRACT_DATES))


def foresee_balance(world: World, row: Row) -> None:
    """Plan what counts from the segments of a commit or credit as they are now."""
    _foresee(world, row, frozenset(f"{row['kind']}.{event}" for event in SEGMENT_DATES))


def _foresee(world: World, subject: Row, kinds: frozenset[str]) -> None:
    for notification in world.notifications.values():
        if notification["policy"]["type"] in kinds and not notification["archived_at"]:
            _plan(world, notification, subject, _planned(world, notification))


def _planned(world: World, notification: Row) -> list[Row]:
    return [
        what
        for _at, _number, kind, what in world.agenda
        if kind == "offset.dated" and what["notification_id"] == notification["id"]
    ]


def _dates(kind: str, subject: Row) -> Iterator[tuple[str, Row]]:
    """(date, what a notification says of the segment) for each date of this kind that a subject has."""
    if kind in CONTRACT_DATES:
        if date := subject.get(CONTRACT_DATES[kind]):
            yield date, {}
        return
    segments = (subject.get("access_schedule") or {}).get("schedule_items", [])
    for index, segment in enumerate(segments):
        members = {"segment_id": segment["id"], "segment_index": index, "segment_count": len(segments)}
        yield segment[SEGMENT_DATES[kind.split(".", 1)[1]]], members


def _plan(world: World, notification: Row, subject: Row, planned: list[Row]) -> None:
    policy = notification["policy"]
    for date, segment in _dates(policy["type"], subject):
        what = {
            "notification_id": notification["id"],
            "offset": policy["offset"],
            "customer_id": subject["customer_id"],
            "subject_id": subject["id"],
            "segment_id": segment.get("segment_id"),
            "date": date,
        }
        at = shifted(date, policy["offset"])
        if at > world.stamp() and what not in planned:
            agenda.plan(world, at, "offset.dated", **what)


@due("offset.dated")
def _dated(
    world: World,
    *,
    notification_id: str,
    offset: str,
    customer_id: str,
    subject_id: str,
    segment_id: str | None,
    date: str,
) -> None:
    notification = world.notifications[notification_id]
    kind, subject = notification["policy"]["type"], world.balances.get(subject_id)
    if kind in CONTRACT_DATES:
        subject = outbox.contract_of(world, customer_id, subject_id)
    if not _holds(notification, offset) or not subject or subject["archived_at"]:
        return
    for its, segment in _dates(kind, subject):
        if its == date and segment.get("segment_id") == segment_id:
            members = outbox.contract_members if kind in CONTRACT_DATES else outbox.balance_members
            payload = outbox.flat(world, kind, customer_id, date, members(world, subject) | segment)
            _send(world, notification, payload)


def _holds(notification: Row, offset: str) -> bool:
    """Whether what was planned still stands."""
    return not notification["archived_at"] and notification["policy"]["offset"] == offset


def follow(world: World, payload: Row) -> None:
    """Plan what counts from something that has happened just now."""
    for notification in list(world.notifications.values()):
        policy = notification["policy"]
        if (
            policy["type"] == payload["type"]
            and policy["type"] not in DATED
            and not notification["archived_at"]
        ):
            at = shifted(payload["timestamp"], policy["offset"])
            what = {"notification_id": notification["id"], "offset": policy["offset"], "payload": payload}
            agenda.plan(world, at, "offset.follows", **what)


@due("offset.follows")
def _follows(world: World, *, notification_id: str, offset: str, payload: Row) -> None:
    notification = world.notifications[notification_id]
    if _holds(notification, offset):
        _send(world, notification, payload)


def _send(world: World, notification: Row, payload: Row) -> None:
    more = {"offset_id": notification["id"], "offset_duration": notification["policy"]["offset"]}
    outbox.put(world, payload | more)
