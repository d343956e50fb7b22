"""Money keeps every digit it came with; only one module knows which unit comes in hundredths."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.lists.money import EXPONENTS, decimals, in_whole_units

ROOT = Path(__file__).resolve().parents[2]
MAY = {
    "billing/lists/money.py",
    "billing/mirror/absence.py",
}  # the latter makes a percentage of rows, not of money


@pytest.mark.parametrize(
    ("amount", "unit", "whole"),
    [
        ("7123250", "USD (cents)", ("71232.50", "USD")),
        ("0.5", "USD (cents)", ("0.005", "USD")),
        ("-33.3333333333", "USD (cents)", ("-0.333333333333", "USD")),
        ("0", "USD (cents)", ("0.00", "USD")),
        ("12345678901234567890123456789012", "USD (cents)", ("123456789012345678901234567890.12", "USD")),
        ("7123250", "EUR", ("7123250", "EUR")),
        ("1.234", "OMR", ("1.234", "OMR")),
        ("1500", "JPY", ("1500", "JPY")),
        ("18000", "TKN", ("18000", "TKN")),
        ("18000", "USD cents", ("18000", "USD cents")),
    ],
)
def test_only_the_unit_in_cents_is_divided_and_nothing_is_rounded(
    amount: str, unit: str, whole: tuple[str, str]
) -> None:
    exact, currency = in_whole_units(Decimal(amount), unit)

    assert (format(exact, "f"), currency) == whole


@pytest.mark.parametrize(
    ("code", "places"),
    [
        *(
            ("USD", 2),
            ("EUR", 2),
            ("MRU", 2),
            ("CLF", 4),
            ("UYW", 4),
            ("KWD", 3),
            ("OMR", 3),
            ("IQD", 3),
            ("LYD", 3),
        ),
        *((code, 0) for code in ("JPY", "KRW", "XOF", "UGX", "PYG", "RWF", "UYI")),
        *((unit, 0) for unit in ("TKN", "GPU", "usd", "credits", "")),
    ],
)
def test_a_currency_shows_its_minor_unit_and_a_pricing_unit_of_ones_own_none(code: str, places: int) -> None:
    assert decimals(Decimal(5), code) == places


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9), st.sampled_from(sorted(EXPONENTS)))
def test_what_is_shown_is_what_came(amount: Decimal, code: str) -> None:
    assert Decimal(f"{amount:.{decimals(amount, code)}f}") == amount


def test_no_other_module_turns_cents_into_units() -> None:
    """Elsewhere nothing is scaled by a hundred, moved by `scaleb`, or rounded by `quantize`."""
    found = []
    for path in sorted((ROOT / "billing").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name in MAY:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            scales = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mult | ast.FloorDiv)
            if scales and any(
                isinstance(side, ast.Constant) and side.value in (100, 0.01)
                for side in (node.left, node.right)
            ):
                found.append(f"{name}:{node.lineno}")
            if isinstance(node, ast.Attribute) and node.attr in ("scaleb", "quantize"):
                found.append(f"{name}:{node.lineno}")

    assert found == []
