"""Filled-in filters that an auditor asks for most: spans of time and groups of events, a click each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest

OFFERED = {"decisions": "Decisions", "sends": "Sends", "sign-ins": "Sign-ins", "but-sign-ins": "No sign-ins"}


@dataclass(frozen=True, slots=True)
class Preset:
    """One filled-in filter; where it is in use its address takes it away again."""

    words: str
    url: str
    is_on: bool
    filters: tuple[str, ...]


def periods(request: HttpRequest, today: date) -> list[Preset]:
    """The spans of time, in UTC days, the last one included."""
    month = today.replace(day=1)
    before = month - timedelta(days=1)
    spans = {
        "Today": (today, today),
        "Yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "This week": (today - timedelta(days=today.weekday()), today),
        "This month": (month, today),
        "Last month": (before.replace(day=1), before),
    }
    return [
        _preset(request, words, since=since.isoformat(), until=until.isoformat())
        for words, (since, until) in spans.items()
    ]


def kinds(request: HttpRequest) -> list[Preset]:
    """The groups of events that stand beside them."""
    return [_preset(request, words, event=group) for group, words in OFFERED.items()]


def _preset(request: HttpRequest, words: str, **filters: str) -> Preset:
    """Its filters beside the others in use, on the first page."""
    query = request.GET.copy()
    query.pop("cursor", None)
    is_on = all(request.GET.get(name) == value for name, value in filters.items())
    for name, value in filters.items():
        query[name] = "" if is_on else value
    kept = {name: value for name, value in query.items() if value}
    query.clear()
    query.update(kept)
    return Preset(
        words, f"{request.path}?{query.urlencode()}" if query else request.path, is_on, tuple(filters)
    )
