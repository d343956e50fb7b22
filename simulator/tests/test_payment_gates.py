"""Spend thresholds, gates of commits that are added by hand, external gates, and what an integration says."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.tests.story import Story, access, billed, date
from simulator.tests.test_vendor_payments import thresholds
from simulator.world import Row

PAST = "2025-05-05"
RELEASE = "/v1/contracts/commits/threshold-billing/release"


def spend(story: Story, threshold: float, gate: str = "STRIPE", **more: Any) -> Row:
    """A spend threshold in cents."""
    return {
        "commit": {"product_id": story.fixed, "name": "Threshold charge"},
        "is_enabled": True,
        "payment_gate_config": {"payment_gate_type": gate},
        "threshold_amount": threshold,
        **more,
    }


def told(story: Story) -> list[tuple[str, Any, Any]]:
    return [
        (each["type"], each["properties"].get("workflow_type"), each["properties"].get("payment_status"))
        for each in story.told()
    ]


@pytest.fixture
def story() -> Story:
    story = Story("2025-05-01")
    story.listen()
    return story


def test_spend_at_its_threshold_is_charged_and_paid_off(story: Story) -> None:
    """set-customer-spend-control: what was spent is charged at once, and so is the next."""
    story.contract("2025-05-01", spend_threshold_configuration=spend(story, 2_000))
    story.at(PAST)

    story.use("2025-05-02", 19)
    assert [each["total"] for each in story.invoices(type="USAGE")] == [1_900]
    assert story.told() == []
    story.use("2025-05-03", 3)

    assert [each["total"] for each in story.invoices(type="USAGE")] == [0]
    assert [(each["status"], each["total"]) for each in story.invoices(type="SCHEDULED")] == [
        ("FINALIZED", 2_200)
    ]
    assert told(story) == [
        ("payment_gate.threshold_reached", "SPEND_THRESHOLD", None),
        ("invoice.finalized", None, None),
        ("payment_gate.payment_status", "SPEND_THRESHOLD", "paid"),
    ]
    story.use("2025-05-04", 20)
    assert [each["total"] for each in story.invoices(type="SCHEDULED")] == [2_200, 2_000]
    assert [each["total"] for each in story.invoices(type="USAGE")] == [0]
    story.at("2025-06-03")
    assert [each["total"] for each in story.invoices(type="USAGE", status="FINALIZED")] == [0]


def test_spend_that_is_not_paid_for_stays_owed_and_is_not_tried_again(story: Story) -> None:
    story.switch("payments", "fail")
    contract = story.contract("2025-05-01", spend_threshold_configuration=spend(story, 2_000))
    story.at(PAST)

    story.use("2025-05-02", 25)
    story.use("2025-05-03", 25)

    own = {"customer_id": story.customer, "contract_id": contract}
    kept = story.ask("POST /v2/contracts/get", own)
    assert kept["spend_threshold_configuration"]["is_enabled"] is False
    assert kept["commits"] == []
    assert [(each["status"], each["total"]) for each in story.invoices(type="SCHEDULED")] == [("VOID", 2_500)]
    assert [each["total"] for each in story.invoices(type="USAGE")] == [5_000]
    assert [each[2] for each in told(story)] == [None, "failed"]


def test_an_external_gate_says_later_whether_the_commit_is_made(story: Story) -> None:
    """prepaid-balance-thresholds: external_initiate names a workflow, and the release says how it went."""
    config = thresholds(500, 2_100, "EXTERNAL", product=story.fixed)
    story.contract("2025-05-01", prepaid_balance_threshold_configuration=config)
    story.invoices()
    story.at(PAST)
    story.use("2025-05-02", 1)

    (reached, initiated) = story.told()
    assert reached["type"] == "payment_gate.threshold_reached"
    assert initiated["type"] == "payment_gate.external_initiate"
    about = initiated["properties"]
    assert (about["workflow_type"], about["invoice_total"]) == ("PREPAID_BALANCE_THRESHOLD", 2_100)
    (draft,) = story.invoices(type="SCHEDULED")
    assert (draft["id"], draft["status"], draft["total"]) == (about["invoice_id"], "DRAFT", 2_100)
    assert story.left() == []
    released = {"workflow_id": about["workflow_id"], "outcome": "PAID"}

    assert story.answer(f"POST {RELEASE}", released) == (200, None)

    assert story.left() == [2_000]
    (final,) = story.invoices(type="SCHEDULED")
    assert (final["id"], final["status"], final["total"]) == (draft["id"], "FINALIZED", 2_100)
    assert story.answer(f"POST {RELEASE}", released)[0] == 404


def test_an_external_gate_that_fails_makes_no_commit_and_switches_the_threshold_off(story: Story) -> None:
    contract = story.contract("2025-05-01", spend_threshold_configuration=spend(story, 500, "EXTERNAL"))
    story.at(PAST)
    story.use("2025-05-02", 7)
    workflow = story.told()[-1]["properties"]["workflow_id"]
    outcome = {"workflow_id": workflow, "outcome": "failed"}

    story.answer(f"POST {RELEASE}", outcome)

    own = {"customer_id": story.customer, "contract_id": contract}
    kept = story.ask("POST /v2/contracts/get", own)
    assert (kept["commits"], kept["spend_threshold_configuration"]["is_enabled"]) == ([], False)
    assert [each["status"] for each in story.invoices(type="SCHEDULED")] == ["VOID"]
    unknown = {"workflow_id": "00000000-0000-4000-8000-000000000000", "outcome": "paid"}
    assert story.answer(f"POST {RELEASE}", unknown)[0] == 404
    malformed = {"workflow_id": workflow, "outcome": "maybe"}
    assert story.answer(f"POST {RELEASE}", malformed)[0] == 400


def gated(story: Story, gate: str = "STRIPE", **more: Any) -> Row:
    """A commit of 20 $ that is made once it is paid for."""
    return {
        "product_id": story.fixed,
        "type": "PREPAID",
        "invoice_schedule": billed(2_000, "2025-05-01"),
        "access_schedule": access(2_000, "2025-05-01", "2026-05-01"),
        "payment_gate_config": {"payment_gate_type": gate},
        **more,
    }


@pytest.mark.parametrize(
    ("answer", "left", "status", "event"),
    [
        ("pay", [2_000], "FINALIZED", "payment_gate.payment_status"),
        ("fail", [], "VOID", "payment_gate.payment_status"),
        ("wait", [], "VOID", "payment_gate.payment_pending_action_required"),
    ],
)
def test_a_commit_that_is_added_by_hand_is_made_once_it_is_paid_for(
    story: Story, answer: str, left: list[float], status: str, event: str
) -> None:
    """manual-payment-gated-commits: made when paid for; else its invoice is void and there is none."""
    story.switch("payments", answer)
    contract = story.contract("2025-05-01")
    own = {"customer_id": story.customer, "contract_id": contract}

    story.ask("POST /v2/contracts/edit", own | {"add_commits": [gated(story)]})

    assert story.left() == left
    assert [(each["status"], each["total"]) for each in story.invoices(type="SCHEDULED")] == [(status, 2_000)]
    assert story.told()[-1]["type"] == event
    assert story.told()[-1]["properties"]["contract_id"] == contract


def test_a_gate_needs_one_date_to_be_paid_on(story: Story) -> None:
    contract = story.contract("2025-05-01")
    own = {"customer_id": story.customer, "contract_id": contract}
    twice = {"schedule_items": [*billed(1_000, "2025-05-01")["schedule_items"]] * 2}

    for wrong in ({"invoice_schedule": twice}, {"invoice_schedule": None}):
        given = {name: value for name, value in (gated(story) | wrong).items() if value is not None}
        assert story.answer("POST /v2/contracts/edit", own | {"add_commits": [given]})[0] == 400

    assert story.left() == []
    assert story.invoices(type="SCHEDULED") == []


def test_an_integration_that_is_refused_says_so_of_the_invoice_and_of_itself(story: Story) -> None:
    story.ask("POST /v1/setCustomerBillingProviderConfigurations", {"data": [stripe(story)]})
    story.switch("payments", "error")
    charge = {"product_id": story.fixed, "schedule": billed(700, "2025-05-01")}
    provider = {"billing_provider": "stripe", "delivery_method": "direct_to_billing_provider"}
    story.contract("2025-05-01", scheduled_charges=[charge], billing_provider_configuration=provider)

    (invoice,) = story.invoices(type="SCHEDULED")

    assert invoice["external_invoice"]["external_status"] == "INVALID_REQUEST_ERROR"
    error = invoice["external_invoice"]["billing_provider_error"]
    last = [(each["type"], each["properties"]) for each in story.told()][-2:]
    assert last[0][0] == "invoice.billing_provider_error"
    assert last[0][1]["billing_provider_error"] == error
    assert last[1] == (
        "integration.issue",
        {
            "integration": "stripe",
            "error": error,
            "error_code": "authentication_error",
            "timestamp": date("2025-05-01").replace("Z", ".000Z"),
        },
    )


def stripe(story: Story) -> Row:
    story.deliver_to_stripe()
    return {
        "customer_id": story.customer,
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "configuration": {"stripe_customer_id": "cus_1"},
    }


def test_the_invoice_of_a_commit_that_was_archived_is_listed_where_asked(story: Story) -> None:
    contract = story.contract("2025-05-01")
    own = {"customer_id": story.customer, "contract_id": contract}
    commit = {name: value for name, value in gated(story).items() if name != "payment_gate_config"}
    made = story.ask("POST /v2/contracts/edit", own | {"add_commits": [commit]})["edit"]["add_commits"][0]
    (invoice,) = story.invoices(type="SCHEDULED")
    story.ask("POST /v1/invoices/void", {"id": invoice["id"]})
    story.ask("POST /v2/contracts/edit", own | {"archive_commits": [{"id": made["id"]}]})

    assert story.invoices(type="SCHEDULED") == []
    assert [
        each["id"] for each in story.invoices(type="SCHEDULED", include_historical_commit_invoices="true")
    ] == [invoice["id"]]
