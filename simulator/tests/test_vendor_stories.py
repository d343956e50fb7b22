"""The vendor's worked numbers on what time does to balances, in cents."""

from __future__ import annotations

from simulator.tests.story import Story, billed, date


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
