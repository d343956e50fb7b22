"""What counts as a number in an event's property: decimal ASCII, as JSON or a plain text says it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from simulator.engine.prices.usage import _number_of


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12", Decimal(12)),
        (" 12 ", Decimal(12)),
        ("-1.5", Decimal("-1.5")),
        ("1e3", Decimal(1000)),
        (7, Decimal(7)),
        (0.25, Decimal("0.25")),
        ("1_000", None),
        ("１２", None),
        ("٣", None),
        ("\u00a012", None),
        ("12\n", None),
        ("nan", None),
        ("Infinity", None),
        ("0x10", None),
        ("", None),
        (True, None),
        (None, None),
    ],
)
def test_only_decimal_ascii_is_a_number(value: object, number: Decimal | None) -> None:
    assert _number_of(value) == number
