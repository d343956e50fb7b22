"""Values that several routes read: anything malformed is a 400 that says which field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from simulator.http import ApiError

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
YEARS = range(1970, 3000)
DEEPEST = 64


def uuid_of(value: Any, name: str) -> str:
    """A UUID in its usual form, lower case."""
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise ApiError(400, f"{name} must be a valid UUID")
    return value.lower()


def aliases_of(value: list[str]) -> list[str]:
    """Ingest aliases: 1 to 128 characters each, at most 2,000; one given twice counts once."""
    if len(value) > 2_000:
        raise ApiError(400, "ingest_aliases must contain at most 2000 items")
    if any(not 1 <= len(alias) <= 128 for alias in value):
        raise ApiError(400, "each ingest alias must be 1 to 128 characters")
    return list(dict.fromkeys(value))


def moment_of(value: str, name: str) -> datetime:
    """An instant with a zone."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ApiError(400, f"{name} must carry a time zone")
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ApiError(400, f"{name} must be an RFC 3339 timestamp") from None
    if moment.year not in YEARS:
        raise ApiError(400, f"{name} is out of range")
    return moment


def rfc3339(moment: datetime) -> str:
    """`2026-11-21T00:00:00.000Z`; as texts such instants sort in time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def at_midnight(value: str | None, name: str) -> str | None:
    """An instant of a plan: 00:00 UTC."""
    if value is not None and value[11:23] != "00:00:00.000":
        raise ApiError(400, f"{name} must be at midnight UTC")
    return value


def on_the_hour(value: str | None, name: str) -> str | None:
    """An instant of a contract or a product: a whole hour."""
    if value is not None and value[14:23] != "00:00.000":
        raise ApiError(400, f"{name} is required to be on an hour boundary")
    return value


def in_order(start: str | None, end: str | None, name: str = "ending_before") -> None:
    """Ends are exclusive and come after their start; open ones are in order."""
    if start is not None and end is not None and end <= start:
        raise ApiError(400, f"{name} must be after its start")


def shortened(name: str) -> str:
    """Names are cut at 160 UTF-16 units without a word."""
    return name.encode("utf-16-le")[:320].decode("utf-16-le", errors="ignore")


def json_of(raw: bytes) -> Any:
    """The JSON of a body, None for an empty one. Raises ApiError 400, also where it is nested too deeply."""
    if not raw:
        return None
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ApiError(400, "Request body is not valid JSON") from None
    if raw.count(b"[") + raw.count(b"{") > DEEPEST:
        level: list[Any] = [value]
        for _depth in range(DEEPEST):
            level = [inner for each in level for inner in _inside(each)]
            if not level:
                return value
        raise ApiError(400, f"Request body is nested more than {DEEPEST} levels deep")
    return value


def _inside(value: Any) -> Iterable[Any]:
    """The arrays and objects in one."""
    values = value.values() if isinstance(value, dict) else value
    return (
        (each for each in values if isinstance(each, dict | list)) if isinstance(value, dict | list) else ()
    )
