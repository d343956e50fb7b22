"""Credits of single seats: each pays for the usage of its own seat, and for no other's."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.tests.story import Story, date

SEATS = "POST /v1/contracts/seatBalances/list"


class Office(Story):
    """Three seats at 0, with 1,000 cents of credit each a month; usage costs 100 and tells its seat."""

    def __init__(self, **seats: Any) -> None:
        super().__init__("2025-09-01")
        filters = [{"name": "n", "exists": True}]
        metric = {
            "name": "Videos",
            "aggregation_type": "SUM",
            "aggregation_key": "n",
            "event_type_filter": {"in_values": ["use"]},
            "property_filters": filters,
            "group_keys": [["seat_id"]],
        }
        metric_id = self.ask("POST /v1/billable-metrics/create", metric)["id"]
        self.card = self.ask("POST /v1/contract-pricing/rate-cards/create", {"name": "Office"})["id"]
        videos = self.product(
            "USAGE", name="Videos", billable_metric_id=metric_id, presentation_group_key=["seat_id"]
        )
        seat = self.product("SUBSCRIPTION", name="Seat")
        self.rate(videos, rate_type="FLAT", price=100)
        self.rate(seat, rate_type="FLAT", price=0, billing_frequency="MONTHLY")
        self.office = self.contract(
            "2025-09-01",
            subscriptions=[
                {
                    "temporary_id": "seats",
                    "collection_schedule": "ARREARS",
                    "proration": {"is_prorated": True},
                    "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": seat},
                    "quantity_management_mode": "SEAT_BASED",
                    "seat_config": {
                        "initial_seat_ids": ["ana", "jo", "mei"],
                        "seat_group_key": "seat_id",
                        **seats,
                    },
                }
            ],
            recurring_credits=[
                {
                    "product_id": self.fixed,
                    "priority": 1,
                    "starting_at": date("2025-09-01"),
                    "access_amount": {"unit_price": 1_000},
                    "commit_duration": {"value": 1},
                    "recurrence_frequency": "MONTHLY",
                    "subscription_config": {
                        "subscription_id": "seats",
                        "allocation": "INDIVIDUAL",
                        "apply_seat_increase_config": {"is_prorated": True},
                    },
                }
            ],
        )

    def of_seats(self) -> dict[str, float]:
        ids = {"customer_id": self.customer, "contract_id": self.office}
        told = self.answer(SEATS, ids)[1]["data"]
        return {each["seat_id"]: sum(row["balance"] for row in each["balances"]) for each in told}

    def draft(self) -> float:
        return self.invoices(type="USAGE")[-1]["total"]


def test_a_seats_credit_pays_for_that_seat_alone() -> None:
    """provision-your-customer: each seat has its own; what is over is billed to the contract."""
    office = Office()
    assert office.of_seats() == {"ana": 1_000, "jo": 1_000, "mei": 1_000}
    office.at("2025-09-20")

    office.use("2025-09-05", 14, seat_id="ana")
    office.use("2025-09-06", 3, seat_id="jo")
    office.use("2025-09-07", 2, seat_id="nobody")

    assert office.draft() == 400 + 200
    assert office.left() == [3_000 - 1_000 - 300]
    office.at("2025-10-02T01:00:00Z")
    assert [each["total"] for each in office.invoices(type="USAGE", status="FINALIZED")] == [600]
    (september, october) = office.balances()
    assert sorted(september[1]) == [(-1_700, "2025-10-01"), (-1_300, "2025-10-01"), (3_000, "2025-09-01")]
    assert october[0] == 3_000
    assert office.of_seats() == {"ana": 1_000, "jo": 1_000, "mei": 1_000}


def test_what_an_invoice_drew_of_each_seat_is_gone_and_comes_back_with_it() -> None:
    office = Office()
    office.at("2025-09-20")
    office.use("2025-09-05", 4, seat_id="ana")
    own = {"customer_id": office.customer, "contract_id": office.office, "covering_date": date("2025-09-10")}
    office.at("2025-10-02T01:00:00Z")
    (final,) = office.invoices(type="USAGE", status="FINALIZED")

    def drawn() -> dict[str, float]:
        told = office.answer(SEATS, {**own, "include_ledgers": True, "include_credits_and_commits": True})
        return {
            each["seat_id"]: sum(
                entry["amount"]
                for credit in each["credits"]
                for entry in credit["ledger_entries"]
                if not entry["type"].endswith(("SEGMENT_START", "EXPIRATION"))
            )
            for each in told[1]["data"]
        }

    assert drawn() == {"ana": -400, "jo": 0, "mei": 0}
    office.ask("POST /v1/invoices/void", {"id": final["id"]})
    assert drawn() == {"ana": 0, "jo": 0, "mei": 0}


def test_seats_that_are_nobodys_give_no_credit_until_they_are_somebodys() -> None:
    """provision-your-customer: unassigned seats count for the price, and generate no credit."""
    office = Office(initial_unassigned_seats=2)
    assert office.left() == [3_000]
    ids = {"customer_id": office.customer, "contract_id": office.office}
    subscription = office.ask("POST /v2/contracts/get", ids)["subscriptions"][0]["id"]
    office.at("2025-09-16")
    seats = {"add_seat_ids": [{"starting_at": date("2025-09-16"), "seat_ids": ["zoe"]}]}

    office.ask(
        "POST /v2/contracts/edit",
        {**ids, "update_subscriptions": [{"subscription_id": subscription, "seat_updates": seats}]},
    )

    assert office.left() == [3_500]
    assert office.of_seats() == {"ana": 1_000, "jo": 1_000, "mei": 1_000, "zoe": 500}
    office.at("2025-09-20")
    office.use("2025-09-17", 6, seat_id="zoe")
    assert office.draft() == 100
    assert office.left() == [3_000]


@pytest.mark.parametrize("seat_id", ["ana", "mei"])
def test_a_breakdown_shows_what_a_seats_credit_pays(seat_id: str) -> None:
    office = Office()
    office.at("2025-09-20")
    office.use("2025-09-05", 7, seat_id=seat_id)
    office.use("2025-09-06", 7, seat_id=seat_id)
    days = {"starting_on": date("2025-09-05"), "ending_before": date("2025-09-07"), "window_size": "DAY"}

    rows = office.ask(f"GET /v1/customers/{office.customer}/invoices/breakdowns", **days)

    assert [each["total"] for each in rows if each["type"] == "USAGE"] == [0, 400]
