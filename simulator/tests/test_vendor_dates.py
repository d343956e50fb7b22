"""The vendor's worked numbers on fees and charges that have a date, in cents."""

from __future__ import annotations

from typing import Any

from simulator.tests.story import Story, billed, date
from simulator.world import Row


def seats(story: Story, price: float, schedule: str = "ADVANCE", **more: Any) -> Row:
    """A monthly subscription of one seat."""
    product = story.product("SUBSCRIPTION", name="Seats")
    rate = {"rate_type": "SUBSCRIPTION", "price": price, "quantity": 1, "is_prorated": True}
    story.rate(product, billing_frequency="MONTHLY", **rate)
    return {
        "collection_schedule": schedule,
        "initial_quantity": 1,
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": product},
        **more,
    }


def monthly(story: Story, amount: float, **more: Any) -> Row:
    """A credit that recurs each month."""
    return {
        "product_id": story.fixed,
        "access_amount": {"unit_price": amount, "quantity": 1},
        "commit_duration": {"value": 1},
        "recurrence_frequency": "MONTHLY",
        "priority": 1,
        **more,
    }


def test_a_fee_in_advance_is_on_the_usage_invoice_that_ends_when_it_is_due():
    """pay-as-you-go: 75 $ a month with 100 units, of which 130 are used in January."""
    story = Story("2025-01-01")
    credit = monthly(story, 10_000, starting_at=date("2025-01-01"), applicable_product_ids=[story.usage])
    story.contract("2025-01-01", subscriptions=[seats(story, 7_500)], recurring_credits=[credit])
    story.at("2025-01-20")
    story.use("2025-01-15", 130)

    assert sorted(story.totals()) == [
        ("SCHEDULED", "FINALIZED", "2025-02-01", 7_500),
        ("USAGE", "DRAFT", "2025-02-01", 10_500),
    ]
    story.at("2025-02-03")
    assert sorted(story.totals()) == [
        ("SCHEDULED", "FINALIZED", "2025-02-01", 7_500),
        ("USAGE", "DRAFT", "2025-03-01", 7_500),
        ("USAGE", "FINALIZED", "2025-02-01", 10_500),
    ]


def test_on_one_invoice_usage_is_paid_for_before_the_fee():
    """prioritization-rules: 50 of usage and a fee of 80 in advance, and a credit of 100 for the year."""
    story = Story("2025-01-01")
    story.contract("2025-01-01", subscriptions=[seats(story, 80, starting_at=date("2025-02-01"))])
    story.credit(100, "2025-01-01", "2026-01-01")
    story.at("2025-01-20")
    story.use("2025-01-15", 0.5)

    (draft,) = story.invoices()

    assert [(each["name"], each["total"]) for each in draft["line_items"]] == [
        ("Uses", 50),
        ("Fixed applied", -50),
        ("Seats", 50),
        ("Fixed applied", -50),
        ("Seats", 30),
    ]
    assert draft["total"] == 30


def test_a_fee_in_advance_has_an_invoice_of_its_own_where_the_subscription_says_so():
    story = Story("2025-01-01")
    apart = {"billing_cycle_config": {"invoice_placement": "ON_SCHEDULED_INVOICE"}}
    story.contract("2025-01-01", subscriptions=[seats(story, 7_500, **apart)])
    story.at("2025-02-01")

    assert sorted(story.totals()) == [
        ("SCHEDULED", "FINALIZED", "2025-02-01", 7_500),
        ("SCHEDULED", "FINALIZED", "2025-03-01", 7_500),
        ("USAGE", "DRAFT", "2025-02-01", 0),
        ("USAGE", "DRAFT", "2025-03-01", 0),
    ]


def test_an_invoice_with_a_fee_in_advance_is_the_same_when_it_is_made_again():
    story = Story("2025-01-01")
    story.contract("2025-01-01", subscriptions=[seats(story, 7_500)])
    story.at("2025-02-03")
    (final,) = story.invoices(status="FINALIZED", type="USAGE")

    story.ask("POST /v1/invoices/void", {"id": final["id"]})
    story.ask("POST /v1/invoices/regenerate", {"id": final["id"]})
    story.at("2025-02-10")

    assert sorted(story.totals(status="FINALIZED")) == [
        ("SCHEDULED", "FINALIZED", "2025-02-01", 7_500),
        ("USAGE", "FINALIZED", "2025-02-01", 7_500),
    ]


def test_what_is_scheduled_is_a_draft_until_its_date():
    """enterprise-commit: 5,000 $ of support on 1 March, read on 10 January; how-invoicing-works."""
    story = Story("2024-01-10")
    charge = {"product_id": story.fixed, "schedule": billed(500_000, "2024-03-01")}
    contract = story.contract("2024-01-01", ending_before=date("2027-01-01"), scheduled_charges=[charge])

    (draft,) = story.invoices(type="SCHEDULED")

    assert (draft["status"], draft["total"], draft["issued_at"]) == (
        "DRAFT",
        500_000,
        "2024-03-01T00:00:00.000Z",
    )
    assert (draft["external_invoice"], "start_timestamp" in draft) == (None, False)
    (line,) = draft["line_items"]
    assert (line["type"], line["total"]) == ("scheduled", 500_000)
    (usage,) = story.invoices(type="USAGE")
    assert (usage["issued_at"], usage["external_invoice"]) == ("2024-02-02T00:00:00.000Z", None)
    story.at("2024-03-01")
    assert [(each["id"], each["status"], each["total"]) for each in story.invoices(type="SCHEDULED")] == [
        (draft["id"], "FINALIZED", 500_000)
    ]
    edit = {"customer_id": story.customer, "contract_id": contract}
    more = {"product_id": story.fixed, "schedule": billed(700, "2024-05-01")}
    story.ask("POST /v2/contracts/edit", edit | {"add_scheduled_charges": [more]})
    assert [each["total"] for each in story.invoices(type="SCHEDULED")] == [500_000, 700]
    story.ask("POST /v1/contracts/archive", edit | {"void_invoices": False})
    assert [each["total"] for each in story.invoices(type="SCHEDULED")] == [500_000]


def test_a_commit_paid_in_instalments_has_a_draft_for_the_one_to_come():
    """create-a-pre-paid-commit: 4,000 $ on 1 October, 6,000 $ on 1 November."""
    story = Story("2024-10-02")
    dates = [
        *billed(400_000, "2024-10-01")["schedule_items"],
        *billed(600_000, "2024-11-01")["schedule_items"],
    ]
    commit = story.balance(1_000_000, "2024-10-01", "2025-10-01", type="PREPAID")
    commit["invoice_schedule"] = {"schedule_items": dates}
    story.contract("2024-10-01", ending_before=date("2025-10-01"), commits=[commit])

    assert [(each["status"], each["total"]) for each in story.invoices(type="SCHEDULED")] == [
        ("FINALIZED", 400_000),
        ("DRAFT", 600_000),
    ]


def test_a_postpaid_commit_has_a_draft_of_what_is_missing():
    """create-a-pre-paid-commit: 10,000 $ within a year, of which 9,000 are used."""
    story = Story("2024-10-01")
    commit = story.balance(1_000_000, "2024-10-01", "2025-10-01", type="POSTPAID")
    commit["invoice_schedule"] = billed(1_000_000, "2025-10-01")
    story.contract("2024-10-01", ending_before=date("2025-10-01"), commits=[commit])

    def missing() -> tuple[str, float]:
        (invoice,) = story.invoices(type="SCHEDULED")
        return invoice["status"], invoice["total"]

    assert missing() == ("DRAFT", 1_000_000)
    story.at("2024-10-20")
    story.use("2024-10-15", 9_000)
    assert missing() == ("DRAFT", 100_000)
    story.at("2025-10-03")
    assert missing() == ("FINALIZED", 100_000)
