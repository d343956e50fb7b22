"""Money and quantities: plain JSON numbers outside, exact decimals inside, six places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Any

PLACES = Decimal("0.000001")
WIDE = Context(prec=100)
LARGEST_INTEGER = 2**53
ROUNDINGS = {"HALF_UP": ROUND_HALF_UP, "FLOOR": ROUND_FLOOR, "CEILING": ROUND_CEILING}
USD = {"id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2", "name": "USD (cents)"}


def exact(number: int | float | str | Decimal) -> Decimal:
    """A JSON number without a float's dust."""
    return number if isinstance(number, Decimal) else Decimal(str(number))


def plain(number: Decimal | int | float) -> int | float:
    """The JSON number: an integer where it is one that every reader can hold, else at most six places."""
    return unrounded(exact(number).quantize(PLACES, ROUND_HALF_EVEN, WIDE))


def unrounded(number: Decimal) -> int | float:
    """The same with every place: a price of a millionth is multiplied by millions."""
    is_integer = number == number.to_integral_value() and abs(number) <= LARGEST_INTEGER
    return int(number) if is_integer else float(number)


def rounded(amount: Decimal, rule: Mapping[str, Any] | None) -> Decimal:
    """The amount as a rounding rule of the API has it, as it is without one."""
    if rule is None:
        return amount
    unit = Decimal(1).scaleb(-int(rule["decimal_places"]))
    return (amount / unit).quantize(Decimal(1), ROUNDINGS[rule["rounding_method"]], WIDE) * unit


def total(numbers: Iterable[int | float | Decimal]) -> int | float:
    """The sum, exactly."""
    return plain(sum((exact(each) for each in numbers), Decimal(0)))
