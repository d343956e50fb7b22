"""The moving clock: periods begin and end, drafts become final, prices and tiers are told as they were."""

from __future__ import annotations

import pytest
from metronome import Metronome

from simulator.running import RunningSimulator
from simulator.tests.accounts import (
    BEGIN,
    Account,
    commit,
    rate,
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
    worlds["main"]["daily_usage_of"] = {account.customer: {account.metric: 10}}
    account.simulator.control("POST", "restore", worlds)
    account.at("2027-02-11T00:00:00Z")
    assert [row[3] for row in account.told()] == [620, 200]


def test_a_seeded_draft_is_final_when_its_time_comes_and_the_next_is_of_seeded_usage(
    sdk: Metronome, simulator: RunningSimulator
) -> None:
    snapshot = simulator.control("GET", "snapshot")["main"]
    draft = next(
        rows[-1]
        for rows in snapshot["invoices_of"].values()
        if {row["type"] for row in rows} == {"USAGE"} and rows[-1]["status"] == "DRAFT"
    )
    customer = draft["customer_id"]
    simulator.control("POST", "clock", {"at": draft["end_timestamp"], "frozen": True})
    before = sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=draft["id"]).data

    simulator.control("POST", "clock", {"move_days": 5})

    row = sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=draft["id"]).data
    assert (before.status, row.status, row.total) == ("DRAFT", "FINALIZED", before.total)
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
