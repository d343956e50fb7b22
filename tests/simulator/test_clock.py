"""The moving clock: periods begin and end, drafts become final, balances are drawn down, dates come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from metronome import APIStatusError, Metronome

from simulator.amounts import USD, total
from tests.simulator_server import RunningSimulator

BEGIN = "2027-01-01T00:00:00Z"
CREDITS = "00000000-0000-4000-8000-0000000000cc"


@dataclass
class Account:
    """A customer, a rate card with calls at 2 cents, and a clock that stands still."""

    sdk: Metronome
    simulator: RunningSimulator
    customer: str
    metric: str
    calls: str
    fixed: str
    card: str
    sent: int = 0

    def at(self, moment: str) -> None:
        """Set the clock, which stays frozen."""
        self.simulator.control("POST", "clock", {"at": moment, "frozen": True})

    def use(self, moment: str, amount: float, **properties: Any) -> None:
        """One event of so many calls."""
        self.sent += 1
        self.sdk.v1.usage.ingest(
            usage=[
                {
                    "transaction_id": f"use-{self.sent}",
                    "customer_id": self.customer,
                    "event_type": "call",
                    "timestamp": moment,
                    "properties": {"n": amount, **properties},
                }
            ]
        )

    def contract(self, **terms: Any) -> str:
        """A contract on the card from the beginning of 2027 on."""
        terms = {"starting_at": BEGIN, "rate_card_id": self.card, **terms}
        return self.sdk.v1.contracts.create(customer_id=self.customer, **terms).data.id

    def invoices(self, **filters: Any) -> list[Any]:
        return list(self.sdk.v1.customers.invoices.list(customer_id=self.customer, **filters))

    def told(self, **filters: Any) -> list[tuple[Any, ...]]:
        """(type, status, period or date, total) of every invoice, each being the sum of its lines."""
        rows = self.invoices(**filters)
        for row in rows:
            own = [
                each
                for each in row.line_items
                if each.credit_type.id == row.credit_type.id
                and not (each.type == "applied_commit_or_credit" and each.commit_type == "PostpaidCommit")
            ]
            assert row.total == total(each.total for each in own)
        return [
            (
                row.type,
                row.status,
                f"{row.start_timestamp:%m-%d}..{row.end_timestamp:%m-%d}"
                if row.start_timestamp
                else f"{row.issued_at:%m-%d}",
                row.total,
            )
            for row in rows
        ]


@pytest.fixture
def account(sdk: Metronome, simulator: RunningSimulator) -> Account:
    simulator.control("POST", "clock", {"at": BEGIN, "frozen": True})
    metric = sdk.v1.billable_metrics.create(
        name="Calls",
        aggregation_type="SUM",
        aggregation_key="n",
        event_type_filter={"in_values": ["call"]},
        property_filters=[{"name": "n", "exists": True}, {"name": "region"}],
        group_keys=[["region"]],
    ).data.id
    products = sdk.v1.contracts.products
    calls = products.create(name="Calls", type="USAGE", billable_metric_id=metric).data.id
    fixed = products.create(name="Platform fee", type="FIXED").data.id
    card = sdk.v1.contracts.rate_cards.create(name="List prices").data.id
    rate(sdk, card, calls, rate_type="FLAT", price=2)
    customer = sdk.v1.customers.create(name="Clockwork AB").data.id
    yield Account(sdk, simulator, customer, metric, calls, fixed, card)
    simulator.control("POST", "clock", {"offset_seconds": 0})


def rate(
    sdk: Metronome, card: str, product: str, starting_at: str = "2020-01-01T00:00:00Z", **terms: Any
) -> None:
    sdk.v1.contracts.rate_cards.rates.add(
        rate_card_id=card, product_id=product, starting_at=starting_at, entitled=True, **terms
    )


def test_a_draft_follows_usage_and_is_final_a_day_after_its_period(account: Account) -> None:
    account.contract(net_payment_terms_days=14)
    assert account.told() == [("USAGE", "DRAFT", "01-01..02-01", 0)]
    account.at("2027-01-20T00:00:00Z")
    account.use("2027-01-10T12:00:00Z", 100)
    assert account.told() == [("USAGE", "DRAFT", "01-01..02-01", 200)]
    account.at("2027-02-01T00:00:00Z")
    account.use("2027-01-31T23:59:59Z", 1)
    account.use("2027-02-01T00:00:00Z", 7)
    assert account.told() == [
        ("USAGE", "DRAFT", "01-01..02-01", 202),
        ("USAGE", "DRAFT", "02-01..03-01", 14),
    ]
    account.at("2027-02-02T00:00:00Z")
    account.use("2027-01-15T00:00:00Z", 1_000)
    first, second = account.invoices()
    assert (first.status, first.total, f"{first.issued_at:%m-%d %H}") == ("FINALIZED", 202, "02-02 00")
    assert (first.net_payment_terms_days, second.status, second.total) == (14, "DRAFT", 14)
    (line,) = first.line_items
    assert (line.name, line.type, line.quantity, line.unit_price, line.product_id) == (
        "Calls",
        "usage",
        101,
        2,
        account.calls,
    )
    assert account.invoices(status="FINALIZED", type="USAGE", skip_zero_qty_line_items=True) == [first]


def test_a_clock_that_leaps_does_everything_in_its_time(account: Account) -> None:
    account.contract(ending_before="2027-04-11T00:00:00Z")
    account.use("2027-01-01T00:00:00Z", 3)
    account.at("2028-01-01T00:00:00Z")
    rows = account.told()
    assert rows == [
        ("USAGE", "FINALIZED", "01-01..02-01", 6),
        ("USAGE", "FINALIZED", "02-01..03-01", 0),
        ("USAGE", "FINALIZED", "03-01..04-01", 0),
        ("USAGE", "FINALIZED", "04-01..04-11", 0),
    ]
    issued = [f"{row.issued_at:%Y-%m-%d}" for row in account.invoices()]
    assert issued == ["2027-02-02", "2027-03-02", "2027-04-02", "2027-04-12"]
    log = account.sdk.v1.audit_logs.list(resource_type="invoice", resource_id=account.invoices()[0].id)
    assert [(row.action, row.actor.name) for row in log.data] == [("finalize", "Metronome")]


def test_a_contract_that_began_long_ago_is_billed_for_two_years_at_most(account: Account) -> None:
    account.contract(starting_at="2020-01-01T00:00:00Z")
    rows = account.invoices()
    assert len(rows) == 24
    assert f"{rows[0].start_timestamp:%Y-%m}" == "2025-02"
    assert [row.status for row in rows[-3:]] == ["FINALIZED", "DRAFT", "DRAFT"]


def test_other_frequencies_and_anchors(account: Account) -> None:
    account.contract(
        starting_at="2027-01-06T00:00:00Z",
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
    )
    account.contract(
        usage_statement_schedule={
            "frequency": "QUARTERLY",
            "day": "CUSTOM_DATE",
            "billing_anchor_date": "2027-02-15T00:00:00Z",
        }
    )
    account.at("2027-01-14T01:00:00Z")
    assert [row[2] for row in account.told()] == ["01-01..02-15", "01-06..01-13", "01-13..01-20"]


def test_a_new_end_cuts_the_draft_and_an_open_end_goes_on(account: Account) -> None:
    contract = account.contract()
    account.at("2027-03-10T00:00:00Z")
    end = account.sdk.v1.contracts.update_end_date
    end(customer_id=account.customer, contract_id=contract, ending_before="2027-03-12T00:00:00Z")
    assert account.told()[-1][2] == "03-01..03-12"
    account.at("2027-03-20T00:00:00Z")
    assert account.told()[-1][1:3] == ("FINALIZED", "03-01..03-12")
    end(customer_id=account.customer, contract_id=contract)
    assert account.told()[-1][1:3] == ("DRAFT", "03-12..04-01")


def test_prices_overrides_and_their_changes_in_the_middle_of_a_period(account: Account) -> None:
    rate(account.sdk, account.card, account.calls, "2027-01-11T00:00:00Z", rate_type="FLAT", price=3)
    account.contract(
        overrides=[
            {
                "starting_at": "2027-01-21T00:00:00Z",
                "product_id": account.calls,
                "type": "MULTIPLIER",
                "multiplier": 0.5,
            }
        ]
    )
    account.at("2027-01-30T00:00:00Z")
    for day in (5, 15, 25):
        account.use(f"2027-01-{day:02}T00:00:00Z", 10)
    (invoice,) = account.invoices()
    assert [(each.quantity, each.unit_price, each.total) for each in invoice.line_items] == [
        (10, 2, 20),
        (10, 3, 30),
        (10, 1.5, 15),
    ]
    assert (invoice.total, invoice.subtotal) == (65, 65)


def test_tiers_are_told_one_by_one(account: Account) -> None:
    tiers = [{"price": 5, "size": 10}, {"price": 1}]
    rate(account.sdk, account.card, account.calls, "2026-01-01T00:00:00Z", rate_type="TIERED", tiers=tiers)
    account.contract()
    account.at("2027-01-10T00:00:00Z")
    account.use("2027-01-05T00:00:00Z", 30)
    (invoice,) = account.invoices()
    assert [(each.quantity, each.total, each.tier.starting_at) for each in invoice.line_items] == [
        (10, 50, "0"),
        (20, 20, "10"),
    ]


def test_tiers_begin_anew_for_each_presentation_group(account: Account) -> None:
    """Of 150 in eu 100 cost 0.3 and 50 cost 0.2; of 70 in us all cost 0.3."""
    product = account.sdk.v1.contracts.products.create(
        name="Presented", type="USAGE", billable_metric_id=account.metric, presentation_group_key=["region"]
    ).data.id
    tiers = [{"price": 0.3, "size": 100}, {"price": 0.2, "size": 100}, {"price": 0.07}]
    rate(account.sdk, account.card, product, rate_type="TIERED", tiers=tiers)
    account.contract(overrides=[{"starting_at": BEGIN, "product_id": account.calls, "entitled": False}])
    account.at("2027-01-12T00:00:00Z")
    account.use("2027-01-03T00:00:00Z", 70, region="us")
    account.use("2027-01-10T00:00:00Z", 150, region="eu")

    (invoice,) = account.invoices()

    assert [
        (each.presentation_group_values["region"], each.tier.level, each.quantity, each.total)
        for each in invoice.line_items
    ] == [("eu", 1, 100, 30), ("eu", 2, 50, 10), ("us", 1, 70, 21)]
    assert invoice.total == 61
    days = account.sdk.v1.customers.invoices.list_breakdowns(
        customer_id=account.customer,
        starting_on=BEGIN,
        ending_before="2027-02-01T00:00:00Z",
        window_size="day",
    )
    assert [(f"{each.breakdown_start_timestamp:%d}", each.total) for each in days if each.total] == [
        ("03", 21),
        ("10", 40),
    ]


def test_usage_by_region_is_priced_by_region_and_a_region_without_a_rate_costs_nothing(
    account: Account,
) -> None:
    product = account.sdk.v1.contracts.products.create(
        name="Regional", type="USAGE", billable_metric_id=account.metric, pricing_group_key=["region"]
    ).data.id
    for region, price in (("eu", 10), ("us", 1)):
        rate(
            account.sdk,
            account.card,
            product,
            rate_type="FLAT",
            price=price,
            pricing_group_values={"region": region},
        )
    account.contract(
        overrides=[{"starting_at": BEGIN, "product_id": account.calls, "entitled": False}],
    )
    account.at("2027-01-10T00:00:00Z")
    for number, region in enumerate(("eu", "us", "mars", "eu"), 1):
        account.use(f"2027-01-0{number}T00:00:00Z", number, region=region)
    (invoice,) = account.invoices()
    assert [(each.pricing_group_values, each.total) for each in invoice.line_items] == [
        ({"region": "eu"}, 50),
        ({"region": "us"}, 2),
    ]


def test_a_usage_filter_counts_only_its_values(account: Account) -> None:
    account.contract(
        usage_filter={"group_key": "region", "group_values": ["eu"], "starting_at": BEGIN},
    )
    account.at("2027-01-10T00:00:00Z")
    account.use("2027-01-02T00:00:00Z", 5, region="eu")
    account.use("2027-01-02T00:00:00Z", 7, region="us")
    assert account.told() == [("USAGE", "DRAFT", "01-01..02-01", 10)]


def commit(account: Account, kind: str, amount: float, priority: float, **more: Any) -> dict[str, Any]:
    span = {"starting_at": BEGIN, "ending_before": "2027-02-01T00:00:00Z"}
    return {
        "product_id": account.fixed,
        "type": kind,
        "priority": priority,
        "access_schedule": {"schedule_items": [{"amount": amount, **span}]},
        **more,
    }


def test_prepaid_pays_before_postpaid_and_what_is_missing_is_billed_in_the_end(account: Account) -> None:
    paid = {"schedule_items": [{"timestamp": "2027-01-05T00:00:00Z", "amount": 40}]}
    owed = {"schedule_items": [{"timestamp": "2027-02-01T00:00:00Z", "amount": 100}]}
    contract = account.contract(
        commits=[
            commit(account, "POSTPAID", 100, 1, invoice_schedule=owed, name="Promise"),
            commit(account, "PREPAID", 50, 2, invoice_schedule=paid, name="Prepaid"),
        ]
    )
    account.at("2027-01-20T00:00:00Z")
    account.use("2027-01-10T00:00:00Z", 60)
    assert account.told() == [
        ("USAGE", "DRAFT", "01-01..02-01", 70),
        ("SCHEDULED", "FINALIZED", "01-05", 40),
        ("SCHEDULED", "DRAFT", "02-02", 30),
    ]
    account.at("2027-02-03T00:00:00Z")
    rows = {(row.type, row.total): row for row in account.invoices(status="FINALIZED")}
    assert set(rows) == {("USAGE", 70), ("SCHEDULED", 40), ("SCHEDULED", 30)}
    usage = rows[("USAGE", 70)]
    assert usage.subtotal == 120
    assert [(each.type, each.total) for each in usage.line_items] == [
        ("usage", 50),
        ("applied_commit_or_credit", -50),
        ("usage", 70),
        ("applied_commit_or_credit", -70),
    ]
    (bought,) = rows[("SCHEDULED", 40)].line_items
    assert (bought.type, bought.commit_type, bought.name) == ("commit_purchase", "PrepaidCommit", "Prepaid")
    shown = account.sdk.v2.contracts.retrieve(
        customer_id=account.customer, contract_id=contract, include_ledgers=True
    ).data
    ledgers = {each.name: [(row.type, row.amount) for row in each.ledger] for each in shown.commits}
    assert ledgers == {
        "Promise": [
            ("POSTPAID_COMMIT_INITIAL_BALANCE", 100),
            ("POSTPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -70),
            ("POSTPAID_COMMIT_TRUEUP", -30),
        ],
        "Prepaid": [
            ("PREPAID_COMMIT_SEGMENT_START", 50),
            ("PREPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -50),
        ],
    }
    schedule = shown.commits[1].invoice_schedule.schedule_items[0]
    assert schedule.invoice_id == rows[("SCHEDULED", 40)].id


def test_two_drafts_do_not_draw_on_the_same_money(account: Account) -> None:
    span = {"starting_at": BEGIN, "ending_before": "2028-01-01T00:00:00Z"}
    account.contract(
        commits=[
            commit(account, "PREPAID", 0, 1, access_schedule={"schedule_items": [{"amount": 50, **span}]})
        ]
    )
    account.use(BEGIN, 20)
    account.at("2027-02-01T12:00:00Z")
    account.use("2027-02-01T01:00:00Z", 20)
    assert account.told() == [
        ("USAGE", "DRAFT", "01-01..02-01", 0),
        ("USAGE", "DRAFT", "02-01..03-01", 30),
    ]
    account.at("2027-04-01T00:00:00Z")
    assert [row[3] for row in account.told()[:2]] == [0, 30]


def test_two_contracts_do_not_draw_on_the_same_money(account: Account) -> None:
    given = commit(account, "PREPAID", 50, 1)
    account.sdk.v1.customers.commits.create(customer_id=account.customer, **given)
    account.contract()
    account.contract()
    account.use(BEGIN, 20)

    assert [row[3] for row in account.told()] == [0, 30]
    net = account.sdk.v1.contracts.get_net_balance(customer_id=account.customer).data
    assert net.balance == 0
    account.at("2027-02-05T00:00:00Z")
    assert [row.total for row in account.invoices(status="FINALIZED")] == [0, 30]


def test_a_void_invoice_gives_back_and_a_regenerated_one_draws_again(account: Account) -> None:
    contract = account.contract(
        commits=[commit(account, "PREPAID", 50, 1, name="Prepaid")],
    )
    account.use(BEGIN, 100)
    account.at("2027-02-02T00:00:00Z")
    account.use("2027-01-02T00:00:00Z", 10)
    invoice = account.invoices(status="FINALIZED")[0]
    assert invoice.total == 150
    assert account.sdk.v1.invoices.void(id=invoice.id).data.id == invoice.id
    assert ledger_of(account, contract)[-1] == ("PREPAID_COMMIT_CANCELED", 50)
    again = account.sdk.v1.invoices.regenerate(id=invoice.id).data.id
    row = account.sdk.v1.customers.invoices.retrieve(customer_id=account.customer, invoice_id=again).data
    assert (row.status, row.total, row.regenerated_from_invoice_id) == ("FINALIZED", 170, invoice.id)
    drawn = [amount for kind, amount in ledger_of(account, contract) if "DEDUCTION" in kind]
    assert drawn == [-50, -50]
    for refused in (account.sdk.v1.invoices.regenerate, account.sdk.v1.invoices.void):
        with pytest.raises(APIStatusError) as refusal:
            refused(id=invoice.id)
        assert refusal.value.status_code == 400


def ledger_of(account: Account, contract: str) -> list[tuple[str, float]]:
    shown = account.sdk.v2.contracts.retrieve(
        customer_id=account.customer, contract_id=contract, include_ledgers=True
    ).data
    return [(row.type, row.amount) for row in shown.commits[0].ledger]


def test_scheduled_charges_and_discounts_are_billed_on_their_dates(account: Account) -> None:
    dates = [{"timestamp": f"2027-0{month}-15T00:00:00Z", "amount": 500} for month in (1, 2)]
    account.contract(
        scheduled_charges=[{"product_id": account.fixed, "schedule": {"schedule_items": dates}}],
        discounts=[
            {
                "product_id": account.fixed,
                "name": "Welcome",
                "schedule": {"schedule_items": [{"timestamp": "2027-01-15T00:00:00Z", "amount": 120}]},
            }
        ],
    )
    account.at("2027-01-15T00:00:00Z")
    (invoice, later) = account.invoices(type="SCHEDULED")
    assert (later.status, later.total) == ("DRAFT", 500)
    assert [(each.name, each.type, each.total) for each in invoice.line_items] == [
        ("Platform fee", "scheduled", 500),
        ("Welcome", "scheduled", -120),
    ]
    assert (invoice.status, invoice.total) == ("FINALIZED", 380)
    account.at("2027-06-01T00:00:00Z")
    assert [row[1:] for row in account.told(type="SCHEDULED")] == [
        ("FINALIZED", "01-15", 380),
        ("FINALIZED", "02-15", 500),
    ]


def test_what_is_due_at_the_end_of_a_period_may_go_along_with_its_usage_invoice(account: Account) -> None:
    due = [("2027-01-15T00:00:00Z", 500), ("2027-02-01T00:00:00Z", 70)]
    items = [{"timestamp": at, "amount": amount} for at, amount in due]
    charge = {"product_id": account.fixed, "schedule": {"schedule_items": items}}
    contract = account.contract(
        scheduled_charges=[charge],
        commits=[commit(account, "PREPAID", 50, 1, invoice_schedule={"schedule_items": items[1:]})],
        scheduled_charges_on_usage_invoices="ALL",
    )
    assert account.told() == [
        ("USAGE", "DRAFT", "01-01..02-01", 140),
        ("SCHEDULED", "DRAFT", "01-15", 500),
    ]
    account.at("2027-02-05T00:00:00Z")
    account.sdk.v2.contracts.edit(
        customer_id=account.customer,
        contract_id=contract,
        add_scheduled_charges=[{**charge, "schedule": {"schedule_items": items[1:]}}],
    )
    final = account.invoices(type="USAGE")[0]
    account.sdk.v1.invoices.void(id=final.id)
    again = account.sdk.v1.invoices.regenerate(id=final.id).data.id

    assert sorted(account.told()) == [
        ("SCHEDULED", "FINALIZED", "01-15", 500),
        ("SCHEDULED", "FINALIZED", "02-05", 70),
        ("USAGE", "DRAFT", "02-01..03-01", 0),
        ("USAGE", "FINALIZED", "01-01..02-01", 140),
        ("USAGE", "VOID", "01-01..02-01", 140),
    ]
    (regenerated,) = [row for row in account.invoices() if row.id == again]
    assert [line.type for line in regenerated.line_items] == ["usage", "scheduled", "commit_purchase"]


def subscription(account: Account, product: str, schedule: str, **more: Any) -> dict[str, Any]:
    """Four of a product a month; what is paid in advance has invoices of its own."""
    placement = "ON_SCHEDULED_INVOICE" if schedule == "ADVANCE" else "ON_USAGE_INVOICE"
    return {
        "collection_schedule": schedule,
        "billing_cycle_config": {"invoice_placement": placement},
        "initial_quantity": 4,
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"},
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": product},
        **more,
    }


def test_subscriptions_are_billed_in_advance_or_with_the_usage(account: Account) -> None:
    seats = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    rate(account.sdk, account.card, seats, rate_type="SUBSCRIPTION", price=31, billing_frequency="MONTHLY")
    account.contract(
        starting_at="2027-01-17T00:00:00Z",
        subscriptions=[
            subscription(account, seats, "ADVANCE", name="Before"),
            subscription(account, seats, "ARREARS", name="After"),
        ],
    )
    account.at("2027-02-10T00:00:00Z")
    assert sorted(account.told()) == [
        ("SCHEDULED", "FINALIZED", "01-01..02-01", 60),
        ("SCHEDULED", "FINALIZED", "02-01..03-01", 124),
        ("USAGE", "DRAFT", "02-01..03-01", 124),
        ("USAGE", "FINALIZED", "01-17..02-01", 60),
    ]
    prorated = account.invoices(type="SCHEDULED")[0].line_items[0]
    assert (prorated.type, prorated.quantity, prorated.unit_price, prorated.is_prorated) == (
        "subscription",
        4,
        15,
        True,
    )


def test_a_subscription_in_arrears_has_invoices_of_its_own_where_it_says_so(account: Account) -> None:
    """31 a month for 4: half of January is 60, February 124 and March until the 11th 40."""
    seats = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    rate(account.sdk, account.card, seats, rate_type="SUBSCRIPTION", price=31, billing_frequency="MONTHLY")
    placement = {"invoice_placement": "ON_SCHEDULED_INVOICE"}
    account.contract(
        starting_at="2027-01-17T00:00:00Z",
        ending_before="2027-03-11T00:00:00Z",
        subscriptions=[subscription(account, seats, "ARREARS", billing_cycle_config=placement)],
    )
    account.at("2027-01-31T00:00:00Z")
    assert account.told() == [("USAGE", "DRAFT", "01-17..02-01", 0)]
    account.at("2027-04-01T00:00:00Z")
    bills = [(f"{row.issued_at:%m-%d}", row.total) for row in account.invoices(type="SCHEDULED")]
    assert bills == [("02-01", 60), ("03-01", 124), ("03-11", 40)]
    assert {row[3] for row in account.told(type="USAGE")} == {0}


@pytest.mark.parametrize(
    ("terms", "first", "second"),
    [
        ({"invoice_behavior": "BILL_IMMEDIATELY"}, [("01-01", 124), ("01-11", 42)], ("02-01", 93)),
        (
            {"invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"},
            [("01-01", 124)],
            ("02-01", 42),
        ),
        (
            {"invoice_behavior": "BILL_IMMEDIATELY", "is_prorated": False},
            [("01-01", 124), ("01-11", 62)],
            ("02-01", 93),
        ),
        (
            {
                "invoice_behavior": "BILL_IMMEDIATELY",
                "rounding": {"decimal_places": -1, "rounding_method": "CEILING"},
            },
            [("01-01", 124), ("01-11", 60)],
            ("02-01", 93),
        ),
    ],
)
def test_more_seats_paid_in_advance_are_billed_when_they_should_be(
    account: Account, terms: dict[str, Any], first: list[Any], second: Any
) -> None:
    seats = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    rate(account.sdk, account.card, seats, rate_type="SUBSCRIPTION", price=31, billing_frequency="MONTHLY")
    proration = {"is_prorated": True, **terms}
    contract = account.contract(subscriptions=[subscription(account, seats, "ADVANCE", proration=proration)])
    own = {"customer_id": account.customer, "contract_id": contract}
    (made,) = account.sdk.v2.contracts.retrieve(**own).data.subscriptions
    account.at("2027-01-05T00:00:00Z")
    changes = [("2027-01-11T00:00:00Z", 6), ("2027-01-21T00:00:00Z", 3)]
    account.sdk.v2.contracts.edit(
        **own,
        update_subscriptions=[
            {
                "subscription_id": made.id,
                "quantity_updates": [{"starting_at": at, "quantity": each} for at, each in changes],
            }
        ],
    )

    def billed() -> list[tuple[str, float]]:
        return [(f"{row.issued_at:%m-%d}", row.total) for row in account.invoices(type="SCHEDULED")]

    account.at("2027-01-31T00:00:00Z")
    assert billed() == first
    account.at("2027-02-20T00:00:00Z")
    assert sorted(billed()) == sorted({*first, second, ("02-01", 93)})


def test_subscriptions_end_with_their_contract(account: Account) -> None:
    seats = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    rate(account.sdk, account.card, seats, rate_type="SUBSCRIPTION", price=31, billing_frequency="MONTHLY")
    contract = account.contract(
        subscriptions=[subscription(account, seats, each) for each in ("ADVANCE", "ARREARS")]
    )
    account.at("2027-01-05T00:00:00Z")
    account.sdk.v1.contracts.update_end_date(
        customer_id=account.customer, contract_id=contract, ending_before="2027-01-16T00:00:00Z"
    )
    account.at("2027-04-01T00:00:00Z")
    assert sorted(account.told()) == [
        ("SCHEDULED", "FINALIZED", "01-01..02-01", 124),
        ("USAGE", "FINALIZED", "01-01..01-16", 60),
    ]


def test_a_draft_waits_for_the_segment_of_its_time_alone(account: Account) -> None:
    first, second = "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"
    segments = [
        {"amount": 50, "starting_at": BEGIN, "ending_before": first},
        {"amount": 30, "starting_at": first, "ending_before": second},
    ]
    access = {"schedule_items": segments}
    account.contract(commits=[{"product_id": account.fixed, "type": "PREPAID", "access_schedule": access}])
    account.use(BEGIN, 20)
    net = account.sdk.v1.contracts.get_net_balance

    assert net(customer_id=account.customer).data.balance == 10
    account.at("2027-02-01T12:00:00Z")
    assert net(customer_id=account.customer).data.balance == 30


def priced_in_credits(account: Account) -> str:
    """A rate card with calls at 2 credits, each worth 50 cents."""
    worlds = account.simulator.control("GET", "snapshot")
    worlds["main"]["pricing_units"][CREDITS] = {"id": CREDITS, "name": "Credits", "is_currency": False}
    account.simulator.control("POST", "restore", worlds)
    card = account.sdk.v1.contracts.rate_cards.create(
        name="Credits",
        fiat_credit_type_id=USD["id"],
        credit_type_conversions=[{"custom_credit_type_id": CREDITS, "fiat_per_custom_credit": 50}],
    ).data.id
    rate(account.sdk, card, account.calls, rate_type="FLAT", price=2, credit_type_id=CREDITS)
    return card


def test_a_segment_pays_for_what_was_used_in_its_time(account: Account) -> None:
    """10 calls on the 2nd, 30 on the 8th, 60 on the 15th, at 2: of 200 the credit of 5 days may pay 60.

    The one of the second half has 100 for the 120 of its time.
    """

    def access(amount: float, start: int, end: int) -> dict[str, Any]:
        begin, stop = (f"2027-01-{day:02}T00:00:00Z" for day in (start, end))
        return {"schedule_items": [{"amount": amount, "starting_at": begin, "ending_before": stop}]}

    terms = {"product_id": account.fixed, "priority": 1}
    week = {**terms, "name": "Week", "access_schedule": access(500, 5, 10)}
    half = {**terms, "name": "Half", "access_schedule": access(100, 15, 31)}
    account.contract(credits=[week, half])
    account.at("2027-01-20T00:00:00Z")
    for day, amount in ((2, 10), (8, 30), (15, 60)):
        account.use(f"2027-01-{day:02}T00:00:00Z", amount)
    draft = account.invoices()[0]
    account.at("2027-02-03T00:00:00Z")
    final = account.invoices()[0]

    for invoice, status in ((draft, "DRAFT"), (final, "FINALIZED")):
        assert (invoice.status, invoice.subtotal, invoice.total) == (status, 200, 40)
        assert [(line.name, line.total) for line in invoice.line_items if line.total] == [
            ("Calls", 20),
            ("Calls", 60),
            ("Week applied", -60),
            ("Calls", 100),
            ("Half applied", -100),
            ("Calls", 20),
        ]


def test_custom_units_are_converted_where_balances_do_not_reach(account: Account) -> None:
    card = priced_in_credits(account)
    span = {"starting_at": BEGIN, "ending_before": "2027-02-01T00:00:00Z"}
    account.contract(
        rate_card_id=card,
        credits=[
            {
                "product_id": account.fixed,
                "priority": 1,
                "access_schedule": {"credit_type_id": CREDITS, "schedule_items": [{"amount": 15, **span}]},
            }
        ],
    )
    account.use(BEGIN, 10)
    (invoice,) = account.invoices()
    assert [(each.type, each.total, each.credit_type.name) for each in invoice.line_items] == [
        ("usage", 15, "Credits"),
        ("applied_commit_or_credit", -15, "Credits"),
        ("usage", 5, "Credits"),
        ("cpu_conversion", 250, "USD (cents)"),
    ]
    assert invoice.total == 250


def test_balances_of_money_pay_for_what_was_converted(account: Account) -> None:
    span = {"starting_at": BEGIN, "ending_before": "2027-02-01T00:00:00Z"}
    access = {"credit_type_id": CREDITS, "schedule_items": [{"amount": 15, **span}]}
    card = priced_in_credits(account)
    contract = account.contract(
        rate_card_id=card,
        commits=[commit(account, "PREPAID", 100, 1)],
        credits=[{"product_id": account.fixed, "priority": 2, "access_schedule": access}],
    )
    account.use(BEGIN, 10)
    (draft,) = account.invoices()
    account.at("2027-02-03T00:00:00Z")
    final = account.invoices()[0]

    own = account.sdk.v2.contracts.retrieve(
        customer_id=account.customer, contract_id=contract, include_balance=True, include_ledgers=True
    ).data
    assert [(each.type, each.total) for each in final.line_items] == [
        ("usage", 15),
        ("applied_commit_or_credit", -15),
        ("usage", 5),
        ("cpu_conversion", 100),
        ("applied_commit_or_credit", -100),
        ("cpu_conversion", 150),
    ]
    money, units = own.commits[0].id, own.credits[0].id
    assert [each.commit_id for each in final.line_items] == [units, units, None, money, money, None]
    assert (draft.line_items, draft.subtotal, draft.total) == (final.line_items, 250, 150)
    assert [each.ledger[1].amount for each in (*own.commits, *own.credits)] == [-100, -15]


def test_composite_products_cost_a_part_of_the_others(account: Account) -> None:
    support = account.sdk.v1.contracts.products.create(
        name="Support", type="COMPOSITE", composite_product_ids=[account.calls]
    ).data.id
    rate(account.sdk, account.card, support, rate_type="PERCENTAGE", price=0.1)
    account.contract()
    account.use(BEGIN, 50)
    (invoice,) = account.invoices()
    assert [(each.name, each.total, each.product_type) for each in invoice.line_items] == [
        ("Calls", 100, "UsageProductListItem"),
        ("Support", 10, "CompositeProductListItem"),
    ]


@pytest.mark.parametrize(("voids", "statuses"), [(False, {"FINALIZED", "VOID"}), (True, {"VOID"})])
def test_archiving_a_contract_closes_its_invoices(account: Account, voids: bool, statuses: set[str]) -> None:
    contract = account.contract()
    account.use(BEGIN, 1)
    account.at("2027-02-10T00:00:00Z")
    account.sdk.v1.contracts.archive(customer_id=account.customer, contract_id=contract, void_invoices=voids)
    account.at("2027-06-10T00:00:00Z")
    assert {row.status for row in account.invoices()} == statuses
    assert [row[3] for row in account.told()] == [2, 0]


def test_seeded_amounts_a_day_make_up_an_invoice(account: Account) -> None:
    account.contract()
    worlds = account.simulator.control("GET", "snapshot")
    worlds["main"]["daily_usage"] = {account.customer: {account.metric: 10}}
    account.simulator.control("POST", "restore", worlds)
    account.at("2027-02-11T00:00:00Z")
    assert [row[3] for row in account.told()] == [620, 200]


def test_a_seeded_draft_is_final_when_its_time_comes_and_the_next_is_of_seeded_usage(
    sdk: Metronome, simulator: RunningSimulator
) -> None:
    snapshot = simulator.control("GET", "snapshot")["main"]
    draft = next(
        row
        for rows in snapshot["invoices"].values()
        for row in rows
        if row["status"] == "DRAFT" and not snapshot["customers"][row["customer_id"]]["archived_at"]
    )
    simulator.control("POST", "clock", {"at": draft["end_timestamp"], "move_days": 5, "frozen": True})
    customer = draft["customer_id"]
    row = sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=draft["id"]).data
    assert (row.status, row.total) == ("FINALIZED", draft["total"])
    rows = list(sdk.v1.customers.invoices.list(customer_id=customer))
    assert (rows[-2].id, rows[-1].status, rows[-1].start_timestamp) == (
        draft["id"],
        "DRAFT",
        rows[-2].end_timestamp,
    )
    assert {line.name for line in rows[-1].line_items} >= {"Data transfer", "Storage"}
    assert rows[-1].subtotal > 0


def test_archiving_a_customer_voids_all_and_freezes_what_its_drafts_said(account: Account) -> None:
    account.contract(commits=[commit(account, "PREPAID", 50, 1)])
    account.use(BEGIN, 100)
    account.at("2027-02-01T12:00:00Z")
    before = account.told()
    assert before == [("USAGE", "DRAFT", "01-01..02-01", 150), ("USAGE", "DRAFT", "02-01..03-01", 0)]
    account.sdk.v1.customers.archive(id=account.customer)
    account.at("2027-05-01T00:00:00Z")
    assert account.told() == [(kind, "VOID", period, cost) for kind, _status, period, cost in before]
