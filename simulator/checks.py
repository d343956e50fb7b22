"""Reading request fields: anything malformed is a 400 that says which field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from simulator.http import ApiError


def uuid_of(value: Any, name: str) -> str:
    """A UUID in its usual form."""
    try:
        return str(UUID(value))
    except (ValueError, TypeError, AttributeError):
        raise ApiError(400, f"{name} must be a valid UUID") from None


def text_of(
    fields: dict[str, Any], name: str, *, most: int | None = None, required: bool = True
) -> str | None:
    """A text field; `most` counts characters."""
    value = fields.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str):
        raise ApiError(400, f"{name} must be a string")
    if most is not None and len(value) > most:
        raise ApiError(400, f"{name} must be at most {most} characters")
    return value


def texts_of(fields: dict[str, Any], name: str) -> dict[str, str]:
    """A map of texts, empty when it is absent."""
    value = fields.get(name) or {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ApiError(400, f"{name} must be an object of strings")
    return value


def aliases_of(fields: dict[str, Any], *, required: bool) -> list[str]:
    """Ingest aliases: 1 to 128 characters each, at most 2,000."""
    value = fields.get("ingest_aliases")
    if value is None and not required:
        return []
    if not isinstance(value, list) or not all(isinstance(alias, str) for alias in value):
        raise ApiError(400, "ingest_aliases must be an array of strings")
    if len(value) > 2_000:
        raise ApiError(400, "ingest_aliases must contain at most 2000 items")
    if any(not 1 <= len(alias) <= 128 for alias in value):
        raise ApiError(400, "each ingest alias must be 1 to 128 characters")
    return list(dict.fromkeys(value))


def midnight_of(fields: dict[str, Any], name: str, *, required: bool = True) -> str | None:
    """An instant at 00:00 UTC, as RFC 3339."""
    value = text_of(fields, name, required=required)
    if value is None:
        return None
    moment = moment_of(value, name)
    if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        raise ApiError(400, f"{name} must be at midnight UTC")
    return rfc3339(moment)


def moment_of(value: str, name: str) -> datetime:
    """An instant with a zone."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ApiError(400, f"{name} must be an RFC 3339 timestamp") from None
    if moment.tzinfo is None:
        raise ApiError(400, f"{name} must carry a time zone")
    return moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-11-21T00:00:00.000Z`"""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shortened(name: str) -> str:
    """Names are cut at 160 UTF-16 units without a word."""
    return name.encode("utf-16-le")[:320].decode("utf-16-le", errors="ignore")
