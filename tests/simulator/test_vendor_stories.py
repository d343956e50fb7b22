"""The vendor's worked numbers on what time does: (page, what happens, what is true then), in cents."""

from __future__ import annotations

from typing import Any

from simulator.world import Row
from tests.simulator.story import Story, billed, date


def test_balances_and_ledgers_count_what_drafts_are_about_to_draw():
    """get-remaining-balance: deductions of drafts are dated at the end of their period."""
    story = Story("2024-09-01")
    story.contract("2024-09-01")
    story.commit(10_000, "2024-09-01", "2025-09-01", priority=2)
    story.credit(500, "2024-10-01", "2024-12-01")
    story.at("2024-09-20")
    story.use("2024-09-10", 65)
    story.at("2024-10-20")
    story.use("2024-10-15", 20)

    assert story.balances() == [
        (2_000, [(10_000, "2024-09-01"), (-6_500, "2024-10-01"), (-1_500, "2024-11-01")]),
        (0, [(500, "2024-10-01"), (-500, "2024-11-01")]),
    ]


def test_what_a_credit_is_not_used_for_expires_at_its_end():
    """get-remaining-balance: 100 $ for September, of which 63 are used."""
    story = Story("2024-09-01")
    story.contract("2024-09-01")
    story.credit(10_000, "2024-09-01", "2024-10-01")
    story.at("2024-09-20")
    story.use("2024-09-10", 63)

    story.at("2024-10-01T12:00:00Z")  # its invoice is in its grace period

    (only,) = story.balances()
    assert only == (0, [(10_000, "2024-09-01"), (-6_300, "2024-10-01"), (-3_700, "2024-10-01")])
    story.at("2024-10-05")
    assert story.balances() == [only]


def test_imported_invoices_draw_on_balances():
    """import-existing-invoices: 10 and 20 units, against a commit of 50 $."""
    story = Story("2024-08-15")
    schedule = {"frequency": "MONTHLY", "invoice_generation_starting_at": date("2024-08-01")}
    commit = story.balance(5_000, "2024-06-01", "2025-06-01", type="PREPAID")
    contract = story.contract("2024-06-01", usage_statement_schedule=schedule, commits=[commit])

    def imported(number: int, start: str, end: str) -> dict:
        times = {"inclusive_start_date": date(start), "exclusive_end_date": date(end)}
        line = {"product_id": story.usage, "quantity": number, **times}
        return {
            "customer_id": story.customer,
            "contract_id": contract,
            "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
            "issue_date": date(end),
            "usage_line_items": [line],
            **times,
        }

    given = {"invoices": [imported(10, "2024-06-01", "2024-07-01"), imported(20, "2024-07-01", "2024-08-01")]}
    name = "POST /v1/contracts/createHistoricalInvoices"
    preview = story.ask(name, given | {"preview": True})
    assert ([each["total"] for each in preview], story.left()) == ([0, 0], [5_000])

    made = story.ask(name, given | {"preview": False})

    assert [(each["subtotal"], each["total"]) for each in made] == [(1_000, 0), (2_000, 0)]
    assert story.balances() == [
        (2_000, [(5_000, "2024-06-01"), (-1_000, "2024-07-01"), (-2_000, "2024-08-01")])
    ]
    story.ask("POST /v1/invoices/void", {"id": made[1]["id"]})
    assert story.left() == [4_000]
    story.ask("POST /v1/invoices/regenerate", {"id": made[1]["id"]})
    assert story.left() == [2_000]


def test_what_is_left_of_a_contract_ends_with_it():
    """manage-customer-lifecycle: 205,000 $ are left, and the contract ends on 1 March."""
    story = Story("2026-01-01")
    terms = {"type": "PREPAID", "priority": 101, "invoice_schedule": billed(20_500_000, "2026-01-01")}
    commit = story.balance(20_500_000, "2026-01-01", "2027-01-01", **terms)
    contract = story.contract("2026-01-01", ending_before=date("2027-01-01"), commits=[commit])
    assert story.left() == [20_500_000]
    end = {"customer_id": story.customer, "contract_id": contract, "ending_before": date("2026-03-01")}
    story.ask("POST /v1/contracts/updateEndDate", end)

    story.at("2026-02-28T23:00:00Z")
    assert story.left() == [20_500_000]
    story.at("2026-03-01")
    assert story.balances() == [(0, [(20_500_000, "2026-01-01"), (-20_500_000, "2026-03-01")])]


def test_a_renewal_carries_over_what_is_left_up_to_a_part_of_the_original():
    """manage-customer-lifecycle: of 100,000 $ are 10,000 left, and half may roll over."""
    story = Story("2025-12-01")
    commit = story.balance(10_000_000, "2025-12-01", "2026-01-01", type="PREPAID", rollover_fraction=0.5)
    old = story.contract("2025-12-01", ending_before=date("2026-01-01"), commits=[commit])
    story.use("2025-12-01", 90_000)
    renewal = {"type": "RENEWAL", "from_contract_id": old}
    new = {"ending_before": date("2027-01-01"), "transition": renewal}
    story.contract("2026-01-01", **new)
    story.at("2026-01-01")

    assert story.left() == [0, 1_000_000]


def test_a_postpaid_commit_rolls_over_and_burns_first():
    """prioritization-rules; 600 of 1,000 are owed at the renewal, half of 1,000 may roll over."""
    story = Story("2025-12-01")
    commit = story.balance(1_000, "2025-12-01", "2026-01-01", type="POSTPAID", rollover_fraction=0.5)
    commit |= {"invoice_schedule": billed(1_000, "2026-01-01")}
    old = story.contract("2025-12-01", ending_before=date("2026-01-01"), commits=[commit])
    story.use("2025-12-01", 4)
    renewal = {"type": "RENEWAL", "from_contract_id": old}
    prepaid = story.balance(1_000, "2026-01-01", "2027-01-01", type="PREPAID", priority=1)
    new = {"ending_before": date("2027-01-01"), "transition": renewal, "commits": [prepaid]}
    story.contract("2026-01-01", **new)
    story.at("2026-01-05")
    story.use("2026-01-04", 7)

    assert story.totals() == [
        ("USAGE", "FINALIZED", "2026-01-01", 400),
        ("USAGE", "DRAFT", "2026-02-01", 500),
        ("SCHEDULED", "FINALIZED", "2026-01-02", 100),
        ("SCHEDULED", "DRAFT", "2027-01-02", 0),
    ]
    assert story.left() == [0, 800, 0]


def test_days_add_up_to_the_invoice_that_a_commit_pays_for():
    """3 units on one day and 8 on the next, and a commit of 5 $: the invoice says 6 $."""
    story = Story("2025-01-01")
    story.contract("2025-01-01")
    story.commit(500, "2025-01-01", "2026-01-01")
    story.at("2025-01-03")
    story.use("2025-01-01T10:00:00Z", 3)
    story.use("2025-01-02T10:00:00Z", 8)
    window = {"starting_on": date("2025-01-01"), "ending_before": date("2025-01-03")}
    path = f"GET /v1/customers/{story.customer}/invoices/breakdowns"

    days = story.ask(path, **window)

    (draft,) = story.invoices()
    assert [each["total"] for each in days] == [0, 600]
    assert draft["total"] == 600
    assert [
        [(each["type"], each.get("quantity"), each["total"]) for each in day["line_items"]] for day in days
    ] == [
        [("usage", 3, 300), ("applied_commit_or_credit", None, -300)],
        [("usage", 2, 200), ("applied_commit_or_credit", None, -200), ("usage", 6, 600)],
    ]
    story.at("2025-02-03")
    assert [each["total"] for each in story.ask(path, **window)] == [0, 600]


def test_usage_from_before_its_metric_does_not_count():
    """create-billable-metrics: a streaming metric counts what is sent once it is defined."""
    story = Story("2025-01-10")
    story.use("2025-01-09", 7)
    filters = [{"name": "n", "exists": True}]
    sums = {"aggregation_type": "SUM", "aggregation_key": "n", "property_filters": filters}
    later = story.ask("POST /v1/billable-metrics/create", {"name": "Later", **sums})["id"]
    product = story.product("USAGE", name="Later", billable_metric_id=later)
    story.rate(product, rate_type="FLAT", price=100)
    story.contract("2025-01-01")
    story.use("2025-01-09", 2)

    (draft,) = story.invoices()

    assert [(each["name"], each["quantity"]) for each in draft["line_items"]] == [("Uses", 9), ("Later", 2)]


def test_a_previewed_transaction_counts_once():
    story = Story("2025-01-10")
    story.contract("2025-01-01")
    event = {"event_type": "use", "timestamp": date("2025-01-09"), "properties": {"n": 7}}
    twice = [event | {"transaction_id": "a"}, event | {"transaction_id": "a"}, event]

    (preview,) = story.ask(f"POST /v1/customers/{story.customer}/previewEvents", {"events": twice})

    assert preview["total"] == 1_400


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


def test_what_the_guides_send_is_taken_and_what_they_forbid_is_not():
    story = Story("2025-01-10")
    product = story.product("SUBSCRIPTION", name="Seats")
    yearly = {"rate_type": "FLAT", "price": 10_000, "billing_frequency": "yearly"}
    story.rate(product, **yearly)
    (_usage, rate) = story.ask(
        "POST /v1/contract-pricing/rate-cards/getRates",
        {"rate_card_id": story.card, "at": date("2025-01-10")},
    )
    assert rate["billing_frequency"] == "ANNUAL"
    dates = {"timestamp": date("2025-01-10"), "amount": 600, "unit_price": 300, "quantity": 2}
    charge = {"product_id": story.fixed, "schedule": {"schedule_items": [dates]}}
    contract = story.contract("2025-01-01", scheduled_charges=[charge])
    assert [each["total"] for each in story.invoices(type="SCHEDULED")] == [600]
    by_tag = {
        "starting_at": date("2025-01-01"),
        "type": "OVERWRITE",
        "overwrite_rate": {"rate_type": "FLAT", "price": 1},
        "applicable_product_tags": ["api"],
    }
    edit = {"customer_id": story.customer, "contract_id": contract}
    status, told = story.answer("POST /v2/contracts/edit", edit | {"add_overrides": [by_tag]})
    assert (status, told["message"]) == (
        400,
        "an override of type OVERWRITE can't be targeted by product tags",
    )
    unequal = {"product_id": story.fixed, "schedule": {"schedule_items": [dates | {"amount": 601}]}}
    status, told = story.answer("POST /v2/contracts/edit", edit | {"add_scheduled_charges": [unequal]})
    assert (status, told["message"]) == (400, "schedule item amount must be unit_price times quantity")
    nobody = "00000000-0000-4000-8000-000000000000"
    gone = {"customer_id": story.customer, "customer_billing_provider_configuration_ids": [nobody]}
    assert story.answer("POST /v1/archiveCustomerBillingProviderConfigurations", gone)[0] == 400
    assert story.invoices(webhook_notification_id=nobody) == []
    alert = {"alert_type": "invoice_total_reached", "name": "Total", "threshold": 1}
    made = story.ask("POST /v1/alerts/create", alert | {"credit_grant_type_filters": ["enterprise"]})
    known = story.ask("POST /v1/customer-alerts/get", {"customer_id": story.customer, "alert_id": made["id"]})
    assert "credit_grant_type_filters" not in known["alert"]


def test_a_commit_tells_what_is_paid_for_what_it_grants():
    """discounting-on-commits: 100,000 for 80,000; create-a-pre-paid-commit: 3,000 for 2,000."""
    story = Story("2025-01-10")
    paid = story.balance(100_000, "2025-01-01", "2026-01-01", type="PREPAID")
    paid["invoice_schedule"] = billed(80_000, "2025-01-01")
    commits = [paid, story.balance(50, "2025-01-01", "2026-01-01", type="PREPAID")]
    paid = story.balance(3_000, "2025-01-01", "2026-01-01", type="PREPAID")
    commits.append(paid | {"invoice_schedule": billed(2_000, "2025-01-01")})
    contract = story.contract("2025-01-01", commits=commits)

    own = story.ask("POST /v2/contracts/get", {"customer_id": story.customer, "contract_id": contract})

    assert [each["cost_basis"] for each in own["commits"]] == [0.8, 0, 0.666667]


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
