"""What the frame around every page shows. Anything that costs a query waits until a template asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest

from billing import clock
from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status
from billing.control import freezing
from billing.control.models import Environment
from billing.pages.standing import standing
from billing.roles import Can

THEMES = ("light", "dark")
THEME_COOKIE = "theme"
KEYS_COOKIE = "keys"


@dataclass(frozen=True, slots=True)
class EnvironmentBand:
    """The band on top of every page: which Metronome this is, in words."""

    name: str
    label: str
    sentence: str


BANDS = {
    Environment.PRODUCTION: EnvironmentBand("production", "PRODUCTION", "Real customers, real invoices"),
    Environment.SANDBOX: EnvironmentBand("sandbox", "SANDBOX", "Practice data; nothing here is billed"),
    Environment.SIMULATOR: EnvironmentBand(
        "simulator", "SIMULATOR", "Runs on this machine; nobody is billed"
    ),
}


class Side(NamedTuple):
    """All that the side of the frame says of a person and a page. `at` is the name of the page's address."""

    at: str
    name: str
    role: str
    theme: str
    rights: frozenset[Can]
    waiting_count: int
    unread_count: int


def look(request: HttpRequest) -> dict[str, Any]:
    """What every page needs to be drawn, without the database: environment band, theme, whether keys act."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "SECOND_FACTOR_WAIVED": not settings.SECOND_FACTOR_DEMANDED,
        "environment": BANDS.get(settings.METRONOME.environment),
        "theme": theme if theme in THEMES else "",
        "keys_are_off": request.COOKIES.get(KEYS_COOKIE) == "off",
    }


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template context: the look, what this person may do, how things stand for them, and the freeze.

    `may.propose`, `may.read_audit` and so on: one word for each Can. `freeze` says by whom and why.
    """
    user = getattr(request, "user", None)
    is_person = user is not None and user.is_authenticated
    return {
        **look(request),
        "may": {can.name.lower(): is_person and user.may(can) for can in Can},
        "now": clock.now(),
        "side": lambda: _side(request),
        "waiting_count": lambda: standing(request).waiting,
        "unread_count": lambda: standing(request).unread,
        "is_frozen": lambda: standing(request).is_frozen,
        "freeze": cache(freezing.state),
        "frozen_queue": cache(lambda: ChangeRequest.objects.filter(status=Status.APPROVED).count()),
    }


def _side(request: HttpRequest) -> Side:
    found, now = request.resolver_match, standing(request)
    return Side(
        at=(found.url_name if found else "") or "",
        name=request.user.name,
        role=request.user.get_role_display(),
        theme=look(request)["theme"],
        rights=frozenset(can for can in Can if request.user.may(can)),
        waiting_count=now.waiting,
        unread_count=now.unread,
    )
