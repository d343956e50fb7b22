"""Packages: the list, and one of them with what it brings to a contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing.mirror.resources.package import Package, PackageFilter
from billing.mirror.resources.rate_card import names_of
from billing.pages.listing import Column
from billing.pages.markup import format_html
from billing.pages.nouns.named import (
    NamedList,
    NamedPage,
    link_to,
    search_and_status,
    standing_of,
)
from billing.pages.templatetags.countersign import NO_VALUE, instant, key


class Line(NamedTuple):
    """One row with the name of the rate card that it takes its prices from; empty for one not mirrored."""

    row: Package
    card: str


class Packages(NamedList):
    """Terms that contracts are made from, which nobody can change afterwards."""

    name = "packages"
    address = "pricing/packages/"
    title = "Packages"
    noun = ("package", "packages")
    thing = "package"
    filter = PackageFilter
    inputs = search_and_status(PackageFilter)
    columns = (
        Column("Name", lambda line: link_to("package", line.row.pk, line.row.name, "name"), sort="name"),
        Column("Status", lambda line: standing_of(line.row), look="nowrap"),
        Column("Rate card", lambda line: _card(line.row, line.card)),
        Column("Brings", lambda line: format_html("<bdi>{}</bdi>", ", ".join(line.row.brings)), look="slack"),
    )
    none_yet = ("No packages", "Either this account has none, or the first refresh has not read them yet.")
    none_left = ("No package is left", "Search looks for a part of a name, or for a whole id.")

    def drawn(self, request: HttpRequest, rows: list[Package]) -> Iterable[SafeString]:
        cards = names_of(row.rate_card_id for row in rows)
        return super().drawn(request, [Line(row, cards.get(row.rate_card_id, "")) for row in rows])

    def is_muted(self, line: Line) -> bool:
        return super().is_muted(line.row)


class PackagePage(NamedPage):
    """One package."""

    name = "package"
    of = Packages
    model = Package

    def facts(self, thing: Package) -> list[tuple[str, Any]]:
        facts = [("Status", standing_of(thing))]
        facts += [("Archived", instant(thing.archived_at))] if thing.archived_at else []
        return [
            *facts,
            ("Rate card", _card(thing, names_of([thing.rate_card_id]).get(thing.rate_card_id, ""))),
            ("Brings to a contract", ", ".join(thing.brings) or NO_VALUE),
        ]


def _card(row: Package, name: str) -> SafeString:
    """The rate card by name; by its id where the mirror has none of it."""
    if name:
        return link_to("rate_card", UUID(row.rate_card_id), name)
    return key(row.rate_card_id) if row.rate_card_id else NO_VALUE
