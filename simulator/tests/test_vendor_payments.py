"""The vendor's worked numbers on thresholds, and what providers make of an invoice, in cents."""

from __future__ import annotations

from typing import Any

from simulator.tests.story import Story, billed, date
from simulator.world import Row


def thresholds(threshold: float, recharge_to: float, gate: str = "STRIPE", **more: Any) -> Row:
    return {
        "commit": {"product_id": more.pop("product"), "name": "Recharge"},
        "is_enabled": True,
        "payment_gate_config": {"payment_gate_type": gate},
        "threshold_amount": threshold,
        "recharge_to_amount": recharge_to,
        **more,
    }


def in_tokens(story: Story) -> str:
    """AI Tokens at 10 cents, in which the story's usage is priced at 1; their id."""
    story.unit("tokens", "AI Tokens")
    conversion = {"custom_credit_type_id": story.units["tokens"], "fiat_per_custom_credit": 10}
    usd = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
    given = {"name": "Tokens", "fiat_credit_type_id": usd, "credit_type_conversions": [conversion]}
    story.card = story.ask("POST /v1/contract-pricing/rate-cards/create", given)["id"]
    story.rate(story.usage, rate_type="FLAT", price=1, credit_type_id=story.units["tokens"])
    return story.units["tokens"]


def test_a_balance_at_its_threshold_is_recharged_and_paid_for_in_money():
    """prepaid-balance-thresholds: 500 tokens of 0.10 $, recharged at 50; 450 cost 45 $."""
    story = Story("2025-05-01")
    unit = in_tokens(story)
    config = thresholds(50, 500, product=story.fixed, custom_credit_type_id=unit)
    story.contract("2025-05-01", prepaid_balance_threshold_configuration=config)
    story.invoices()
    assert story.left() == [500]
    assert [each["total"] for each in story.invoices(type="SCHEDULED")] == [5_000]
    story.listen()
    story.at("2025-05-03")

    story.use("2025-05-02", 449)
    assert (story.left(), story.told()) == ([51], [])
    story.use("2025-05-02", 1)

    assert story.left() == [50, 450]
    assert [each["total"] for each in story.invoices(type="SCHEDULED")] == [5_000, 4_500]
    assert [(each["type"], each["properties"].get("payment_status")) for each in story.told()] == [
        ("payment_gate.threshold_reached", None),
        ("invoice.finalized", None),
        ("payment_gate.payment_status", "paid"),
    ]


def test_a_discount_lowers_what_a_recharge_costs():
    """prepaid-balance-thresholds: 100 at two for one, less a tenth, are 45."""
    story = Story("2025-05-01")
    config = thresholds(500, 2_100, product=story.fixed, discount_configuration={"payment_fraction": 0.9})
    story.contract("2025-05-01", prepaid_balance_threshold_configuration=config)

    story.invoices()

    assert story.left() == [2_100]
    assert [each["total"] for each in story.invoices(type="SCHEDULED")] == [1_890]


def test_a_recharge_that_is_not_paid_for_ends_recharging():
    """prepaid-balance-thresholds: the invoice is void, no commit is made, and nothing is tried again."""
    story = Story("2025-05-01")
    story.switch("payments", "fail")
    config = thresholds(500, 2_100, product=story.fixed)
    story.listen()
    contract = story.contract("2025-05-01", prepaid_balance_threshold_configuration=config)
    own = {"customer_id": story.customer, "contract_id": contract}

    kept = story.ask("POST /v2/contracts/get", own)["prepaid_balance_threshold_configuration"]
    kept = story.ask("POST /v2/contracts/get", own)["prepaid_balance_threshold_configuration"]

    assert (kept["is_enabled"], story.left()) == (False, [])
    assert [(each["status"], each["total"]) for each in story.invoices(type="SCHEDULED")] == [("VOID", 2_100)]
    assert [each["properties"].get("payment_status") for each in story.told()] == [None, "failed"]
    story.switch("payments", "pay")
    story.ask(
        "POST /v2/contracts/edit",
        own | {"update_prepaid_balance_threshold_configuration": {"is_enabled": True}},
    )
    story.invoices()
    assert story.left() == [2_100]


def test_a_balance_that_a_threshold_leaves_out_does_not_count():
    """prepaid-balance-thresholds: 10 $ of general credit and 10 $ of trial credit, at a threshold of 15 $."""
    story = Story("2025-05-01")
    key = {"enforce_uniqueness": False, "entity": "contract_credit", "key": "credit_type"}
    story.ask("POST /v1/customFields/addKey", key)
    field = {"entity": "ContractCreditOrCommit", "key": "credit_type", "value": "ai_trial"}
    out = [{"exclude": [{"custom_field_filters": [field]}]}]
    story.credit(1_000, "2025-05-01", "2025-06-01")
    story.credit(1_000, "2025-05-01", "2025-06-01", custom_fields={"credit_type": "ai_trial"})
    config = thresholds(1_500, 3_000, product=story.fixed)
    contract = story.contract("2025-05-01", prepaid_balance_threshold_configuration=config)
    story.invoices()
    assert story.left() == [1_000, 1_000]
    own = {"customer_id": story.customer, "contract_id": contract}
    change = {"threshold_balance_specifiers": out}
    story.ask("POST /v2/contracts/edit", own | {"update_prepaid_balance_threshold_configuration": change})

    story.invoices()

    assert story.left() == [1_000, 1_000, 2_000]


def test_a_recharge_has_its_minimum():
    """prepaid-balance-thresholds: 5 $, and 10 $ more; of a custom unit what that is worth."""
    story = Story("2025-05-01")
    refused = []
    for least, most in ((499, 2_000), (500, 1_499), (1_000, 1_999), (500, 1_500)):
        config = thresholds(least, most, product=story.fixed)
        given = {"customer_id": story.customer, "starting_at": date("2025-05-01")}
        given |= {"rate_card_id": story.card, "prepaid_balance_threshold_configuration": config}
        refused.append(story.answer("POST /v1/contracts/create", given)[0])

    assert refused == [400, 400, 400, 200]


def test_stripe_collects_what_is_final_and_says_how_that_went():
    """invoices/overview: PAID, PAYMENT_FAILED with an error, SKIPPED, and void with the invoice."""
    story = Story("2025-01-01")
    configuration = {
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "configuration": {"stripe_customer_id": "cus_1", "stripe_collection_method": "send_invoice"},
    }
    story.deliver_to_stripe()
    data = [{"customer_id": story.customer, **configuration}]
    story.ask("POST /v1/setCustomerBillingProviderConfigurations", {"data": data})
    through = {"billing_provider": "stripe", "delivery_method": "direct_to_billing_provider"}
    charges = [
        {"product_id": story.fixed, "schedule": billed(amount, at)}
        for amount, at in ((500, "2025-01-02"), (600, "2025-01-03"), (0, "2025-01-04"), (700, "2025-01-05"))
    ]
    story.contract("2025-01-01", billing_provider_configuration=through, scheduled_charges=charges)
    for day, answer in (("2025-01-02", "pay"), ("2025-01-03", "fail"), ("2025-01-04", "pay")):
        story.switch("payments", answer)
        story.at(day)
        story.invoices()

    told = [each["external_invoice"] for each in story.invoices(type="SCHEDULED")]

    assert [each and each["external_status"] for each in told] == ["PAID", "PAYMENT_FAILED", "SKIPPED", None]
    assert told[1]["billing_provider_error"] == "Your card was declined."
    paid = story.invoices(type="SCHEDULED")[0]
    story.ask("POST /v1/invoices/void", {"id": paid["id"]})
    assert story.invoices(type="SCHEDULED")[0]["external_invoice"]["external_status"] == "VOID"


def test_a_discount_ends_where_its_spend_tracker_reaches_its_cap():
    """spend-trackers: a tenth off, until 20 $ were spent at a discount within the period."""
    story = Story("2025-04-01")
    spend = [{"spend_type": "COMMIT_PURCHASE", "sources": ["THRESHOLD_RECHARGE", "MANUAL"]}]
    usd = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
    tracker = {"credit_type_id": usd, "reset_frequency": "BILLING_PERIOD"}
    discounted = {
        "alias": "promo-cap",
        "applicable_spend_specifiers": [spend[0] | {"discounted": "DISCOUNTED_ONLY"}],
    }
    by_hand = {"alias": "by-hand", "applicable_spend_specifiers": [spend[0] | {"sources": ["MANUAL"]}]}
    discount = {"payment_fraction": 0.9, "cap": {"spend_tracker_alias": "promo-cap", "amount": 2_000}}
    config = thresholds(500, 2_000, product=story.fixed, discount_configuration=discount)
    bought = story.balance(10, "2025-04-01", "2025-05-01", type="PREPAID")
    bought["invoice_schedule"] = billed(700, "2025-04-01")
    contract = story.contract(
        "2025-04-01",
        spend_trackers=[tracker | discounted, tracker | by_hand],
        prepaid_balance_threshold_configuration=config,
        commits=[bought],
    )
    own = {"customer_id": story.customer, "contract_id": contract}
    costs = []
    for day in ("2025-04-02", "2025-04-03", "2025-05-02"):
        story.at(day)
        shown = story.ask("POST /v2/contracts/get", own)
        costs.append([each["accumulated_spend"]["amount"] for each in shown["spend_trackers"]])
        story.use(day, 20)

    assert costs == [[1_791, 700], [3_591, 700], [0, 0]]
    invoices = [each["total"] for each in story.invoices(type="SCHEDULED")]
    assert sorted(invoices) == [700, 1_791, 1_800, 1_800, 2_000]
