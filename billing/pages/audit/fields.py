"""What an audit event changed, field by field, short enough for a row of its details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LONGEST = 120
MOST_LINES = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One field before and after; empty text where there was or is nothing."""

    label: str
    old: str
    new: str


def lines_of(old: Any, new: Any) -> list[Line]:
    """The fields that differ; what is longer than a line or more than four is told, and whole in the CSV."""
    before, after = _fields(old), _fields(new)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    names.sort(key=lambda name: name != "status")
    lines = [Line(_label(name), _text(before.get(name)), _text(after.get(name))) for name in names]
    if len(lines) > MOST_LINES:
        rest = len(lines) - MOST_LINES + 1
        lines = [*lines[: MOST_LINES - 1], Line(f"and {rest} more fields", "", "")]
    return lines


def _fields(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"": value}


def _label(name: str) -> str:
    return "" if name == "status" else name.replace("_", " ")


def _text(value: Any) -> str:
    text = _words(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _words(value: Any) -> str:
    """A JSON value without its punctuation; the CSV holds it exactly."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{_label(name)} {_words(held)}".strip() for name, held in value.items())
    if isinstance(value, list):
        return "; ".join(_words(held) for held in value)
    return str(value)
