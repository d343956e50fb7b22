"""What recurs says its unit by an id alone: no amount is drawn a hundred times too large for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.lists.money import in_whole_units
from billing.metronome.objects.contract_terms import Term, terms_in

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
EUR = {"id": "9b85c1c1-5238-4f2a-a409-61412905e1e1", "name": "EUR"}


def recurring(unit: str, **more: Any) -> dict[str, Any]:
    amount = {"unit_price": 42_000, "quantity": 2, "credit_type_id": unit}
    return {
        "recurring_commits": [
            {"name": "Monthly", "starting_at": "2026-01-01T00:00:00Z", "access_amount": amount, **more}
        ]
    }


def only(raw: dict[str, Any]) -> Term:
    [term] = [each for each in terms_in(raw) if each.what.startswith("Recurring")]
    return term


def test_dollars_are_known_by_their_id() -> None:
    term = only(recurring(USD))

    assert in_whole_units(term.amount, term.unit) == (Decimal("840.00"), "USD")


@pytest.mark.parametrize(
    "beside",
    [
        {"scheduled_charges": [{"schedule": {"credit_type": EUR, "schedule_items": []}}]},
        {"commits": [{"access_schedule": {"credit_type": EUR, "schedule_items": []}}]},
        {"overrides": [{"overwrite_rate": {"credit_type": EUR, "price": 1}}]},
    ],
)
def test_another_unit_is_known_by_what_else_the_record_names(beside: dict[str, Any]) -> None:
    term = only({**recurring(EUR["id"]), **beside})

    assert in_whole_units(term.amount, term.unit) == (Decimal(84_000), "EUR")


def test_a_unit_that_nothing_names_is_told_by_its_id_and_never_left_out() -> None:
    assert only(recurring("11111111-1111-4111-8111-111111111111")).unit == (
        "unit 11111111-1111-4111-8111-111111111111"
    )
