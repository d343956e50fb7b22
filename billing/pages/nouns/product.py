"""Products: the list, and one of them."""

from __future__ import annotations

from typing import Any

from billing.mirror.resources.product import Product, ProductFilter
from billing.pages.listing import Column
from billing.pages.nouns.named import (
    STATUS_COLUMN,
    NamedList,
    NamedPage,
    name_column,
    search_and_status,
    standing_of,
)
from billing.pages.templatetags.countersign import NO_VALUE, instant, key


class Products(NamedList):
    """What is priced, granted and charged for."""

    name = "products"
    address = "pricing/products/"
    title = "Products"
    noun = ("product", "products")
    thing = "product"
    filter = ProductFilter
    inputs = search_and_status(ProductFilter)
    columns = (
        name_column("product"),
        Column("Type", lambda row: in_words(row.type), look="nowrap"),
        STATUS_COLUMN,
    )
    none_yet = ("No products", "Either this account has none, or the first refresh has not read them yet.")
    none_left = ("No product is left", "Search looks for a part of a name, or for a whole id.")


class ProductPage(NamedPage):
    """One product under its current name."""

    name = "product"
    of = Products
    model = Product

    def facts(self, thing: Product) -> list[tuple[str, Any]]:
        current = (thing.raw or {}).get("current") or {}
        metric, tags = current.get("billable_metric_id"), current.get("tags") or []
        facts = [("Status", standing_of(thing)), ("Type", in_words(thing.type))]
        facts += [("Archived", instant(thing.archived_at))] if thing.archived_at else []
        return [
            *facts,
            ("Billable metric", key(str(metric)) if metric else NO_VALUE),
            ("Tags", ", ".join(map(str, tags)) or NO_VALUE),
        ]


def in_words(kind: str) -> str:
    """A type of Metronome's as people say it: `Pro service`."""
    return kind.replace("_", " ").capitalize()
