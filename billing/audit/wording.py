"""How an event is told: the shape that its words have."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """How an event is told. tone: the colour family on pages; mark: a symbol of static/icons.svg.

    short: what it says beside its subject; its label is for where it stands alone.
    line: short with a new fact of the event, {named} as the event names it; for those events that have it.
    sentence: names {who} did it, or {what} it is about, or both.
    page: the URL name of its subject's page, empty where there is none; key: the column that finds it there.
    """

    tone: str
    mark: str
    short: str
    sentence: str
    page: str = ""
    key: str = ""
    line: str = ""


REQUEST = ("billing:change", "reference")
CUSTOMER = ("billing:customer", "customer_id")
SYSTEM = ("billing:system",)
