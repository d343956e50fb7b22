"""A contract's terms in words: commits, credits, charges, overrides, subscriptions, as its record holds them.

Amounts stay in the unit that Metronome gives; nothing is rated here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

USD = {"2714e483-4ff1-48e4-9e25-ac732e8f24f2": "USD (cents)"}
"""The one unit whose id is the same in every account (API reference §1.7)."""
RECURRING = (("recurring_commits", "Recurring commit"), ("recurring_credits", "Recurring credit"))


class Term(NamedTuple):
    """One line of a contract's terms. `since`, `until`: instants as text, empty for open; `until` exclusive.

    amount: in `unit`, a pricing unit's name; None where it has none. words: what else is said of it.
    """

    what: str
    name: str
    since: str
    until: str
    amount: Decimal | None
    unit: str
    words: str


def terms_in(raw: Mapping[str, Any]) -> list[Term]:
    """All terms of a contract's record, by their start. What reads oddly is left out: the record has it."""
    found = [*_balances(raw), *_recurring(raw, _units(raw)), *_charges(raw)]
    found += [*_overrides(raw), *_subscriptions(raw)]
    return sorted(found, key=lambda term: (term.since, term.what, term.name))


def _list(raw: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    rows = raw.get(name)
    yield from (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _balances(raw: Mapping[str, Any]) -> Iterator[Term]:
    for members, what in (("commits", "Commit"), ("credits", "Credit")):
        for row in _list(raw, members):
            access = row.get("access_schedule") or {}
            kind = str(row.get("type") or "").capitalize()
            words = kind if what == "Commit" else ""
            for item in _list(access, "schedule_items"):
                yield Term(
                    what,
                    _name(row),
                    _text(item, "starting_at"),
                    _text(item, "ending_before"),
                    _number(item.get("amount")),
                    _unit(access),
                    words,
                )


def _recurring(raw: Mapping[str, Any], units: Mapping[str, str]) -> Iterator[Term]:
    for members, what in (
        ("recurring_commits", "Recurring commit"),
        ("recurring_credits", "Recurring credit"),
    ):
        for row in _list(raw, members):
            access = row.get("access_amount") or {}
            price, quantity = _number(access.get("unit_price")), _number(access.get("quantity"))
            yield Term(
                what,
                _name(row),
                _text(row, "starting_at"),
                _text(row, "ending_before"),
                price * (1 if quantity is None else quantity) if price is not None else None,
                units.get(of := _text(access, "credit_type_id"), f"unit {of}"),
                str(row.get("recurrence_frequency") or "").lower(),
            )


def _charges(raw: Mapping[str, Any]) -> Iterator[Term]:
    for row in _list(raw, "scheduled_charges"):
        schedule = row.get("schedule") or {}
        for item in _list(schedule, "schedule_items"):
            at = _text(item, "timestamp")
            yield Term(
                "Scheduled charge", _name(row), at, "", _number(item.get("amount")), _unit(schedule), ""
            )


def _overrides(raw: Mapping[str, Any]) -> Iterator[Term]:
    for row in _list(raw, "overrides"):
        kind, rate = str(row.get("type") or "").upper(), row.get("overwrite_rate") or {}
        words = [f"× {row['multiplier']}" if row.get("multiplier") is not None else kind.capitalize()]
        if row.get("entitled") is not None:
            words.append("on" if row["entitled"] else "off")
        tags = row.get("applicable_product_tags") or []
        words += [f"tag {tag}" for tag in tags if isinstance(tag, str)]
        yield Term(
            "Override",
            _name(row),
            _text(row, "starting_at"),
            _text(row, "ending_before"),
            _number(rate.get("price")),
            _unit(rate),
            ", ".join(words),
        )


def _subscriptions(raw: Mapping[str, Any]) -> Iterator[Term]:
    for row in _list(raw, "subscriptions"):
        rate = row.get("subscription_rate") or {}
        quantity = next((item.get("quantity") for item in _list(row, "quantity_schedule")), None)
        yield Term(
            "Subscription",
            _name(row) or _name(rate),
            _text(row, "starting_at"),
            _text(row, "ending_before"),
            None,
            "",
            ", ".join(
                each
                for each in (
                    str(rate.get("billing_frequency") or "").lower(),
                    f"quantity {quantity}" if quantity is not None else "",
                )
                if each
            ),
        )


def _name(row: Mapping[str, Any]) -> str:
    product = row.get("product") or {}
    own = row.get("name") or (product.get("name") if isinstance(product, dict) else "")
    return own if isinstance(own, str) else ""


def _text(row: Mapping[str, Any], member: str) -> str:
    value = row.get(member)
    return value if isinstance(value, str) else ""


def _unit(row: Mapping[str, Any]) -> str:
    unit = row.get("credit_type") or {}
    return _text(unit, "name") if isinstance(unit, dict) else ""


def _units(raw: Any) -> dict[str, str]:
    """The pricing units that a record names, by id: what recurs says its unit by the id alone."""
    found = dict(USD)
    for inner in raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ():
        found |= _units(inner)
    if isinstance(raw, dict) and (name := _unit(raw)):
        found[_text(raw["credit_type"], "id")] = name
    return found


def _number(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
