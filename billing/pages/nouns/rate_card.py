"""Rate cards: the list, and one of them with the packages that take its prices."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString

from billing.mirror.resources.package import packages_at
from billing.mirror.resources.rate_card import RateCard, RateCardFilter
from billing.pages.listing import Column
from billing.pages.markup import format_html
from billing.pages.nouns.named import (
    STATUS_COLUMN,
    NamedList,
    NamedPage,
    link_to,
    name_column,
    search_and_status,
    standing_of,
)
from billing.pages.templatetags.countersign import NO_VALUE


class RateCards(NamedList):
    """The account's rate cards, without their rates."""

    name = "rate-cards"
    address = "pricing/"
    title = "Rate cards"
    noun = ("rate card", "rate cards")
    icon = "pricing"
    place = "mirror"
    thing = "rate_card"
    filter = RateCardFilter
    inputs = search_and_status(RateCardFilter)
    columns = (
        name_column("rate_card"),
        Column("Pricing unit", lambda row: row.currency or NO_VALUE, look="nowrap"),
        STATUS_COLUMN,
        Column("Description", lambda row: format_html("<bdi>{}</bdi>", row.description), look="slack"),
    )
    none_yet = ("No rate cards", "Either this account has none, or the first refresh has not read them yet.")
    none_left = ("No rate card is left", "Search looks for a part of a name, or for a whole id.")


class RateCardPage(NamedPage):
    """One rate card."""

    name = "rate_card"
    of = RateCards
    model = RateCard

    def facts(self, thing: RateCard) -> list[tuple[str, Any]]:
        return [
            ("Status", standing_of(thing)),
            ("Pricing unit", thing.currency or NO_VALUE),
            ("Description", thing.description or NO_VALUE),
            ("Packages at its rates", _links(thing)),
        ]


def _links(card: RateCard) -> SafeString:
    links = [link_to("package", row.pk, row.name) for row in packages_at(card.pk)]
    return SafeString(", ".join(links)) if links else NO_VALUE
