"""Invoices through the strict SDK: read, filtered, void, made again, charged, broken down and previewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from metronome import APIStatusError, Metronome

from simulator.amounts import USD, total
from simulator.running import READ_ONLY_TOKEN, RunningSimulator

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
UNKNOWN = "00000000-0000-4000-8000-000000000000"
CHARGE = "00000000-0000-4000-8000-0000000000a1"
OWN_CHARGE = "00000000-0000-4000-8000-0000000000a2"


def refused(call: Callable[..., Any], status: int, **given: Any) -> str:
    """The words of a refusal with this status."""
    with pytest.raises(APIStatusError) as refusal:
        call(**given)
    assert refusal.value.status_code == status
    return refusal.value.body["message"]


@pytest.fixture
def customer(simulator: RunningSimulator) -> str:
    """A seeded customer with at least three invoices, all of usage."""
    own = simulator.control("GET", "snapshot")["main"]["invoices_of"].items()
    fits = ((each, rows) for each, rows in own if {row["type"] for row in rows} == {"USAGE"})
    return next(each for each, rows in fits if len(rows) > 2 and rows[-1]["status"] == "DRAFT")


def test_the_list_is_chosen_and_sorted_as_asked(sdk: Metronome, customer: str) -> None:
    def ids(**filters: Any) -> list[str]:
        return [row.id for row in sdk.v1.customers.invoices.list(customer_id=customer, **filters)]

    rows = list(sdk.v1.customers.invoices.list(customer_id=customer))
    assert [row.start_timestamp for row in rows] == sorted(row.start_timestamp for row in rows)
    whole = [row.id for row in rows]
    assert ids(sort="date_desc") == whole[::-1]
    assert ids(limit=1) == whole
    assert ids(status="draft") == whole[-1:]
    assert ids(status="FINALIZED") == whole[:-1]
    assert ids(type="USAGE", contract_id=rows[0].contract_id) == whole
    assert ids(type="SCHEDULED") == ids(contract_id=UNKNOWN) == ids(credit_type_id=UNKNOWN) == []
    assert ids(credit_type_id=rows[0].credit_type.id) == whole
    assert ids(starting_on=rows[1].start_timestamp) == whole[1:]
    assert ids(ending_before=rows[1].end_timestamp) == whole[:1]
    assert refused(sdk.v1.customers.invoices.list, 404, customer_id=UNKNOWN)
    assert refused(sdk.v1.customers.invoices.list, 400, customer_id=customer, limit=101)
    assert refused(sdk.v1.customers.invoices.list, 400, customer_id=customer, sort="upwards")


def test_one_invoice_is_that_of_its_customer(sdk: Metronome, customer: str) -> None:
    row = next(iter(sdk.v1.customers.invoices.list(customer_id=customer)))
    retrieve = sdk.v1.customers.invoices.retrieve
    assert retrieve(customer_id=customer, invoice_id=row.id, skip_zero_qty_line_items=True).data == row
    assert "not found" in refused(retrieve, 404, customer_id=customer, invoice_id=UNKNOWN)
    assert "invoice_id must be" in refused(retrieve, 400, customer_id=customer, invoice_id="x")
    other = sdk.v1.customers.create(name="Other AB").data.id
    assert refused(retrieve, 404, customer_id=other, invoice_id=row.id)


def test_a_pdf_holds_the_invoice(sdk: Metronome, customer: str) -> None:
    row = next(iter(sdk.v1.customers.invoices.list(customer_id=customer)))
    answer = sdk.v1.customers.invoices.retrieve_pdf(customer_id=customer, invoice_id=row.id)
    whole = answer.read()
    assert answer.headers["content-type"] == "application/pdf"
    assert whole.startswith(b"%PDF-1.4\n")
    assert whole.endswith(b"%%EOF\n")
    table = int(whole.rsplit(b"startxref\n", 1)[1].split()[0])
    assert whole[table:].startswith(b"xref\n0 6\n")
    for number, place in enumerate(whole[table:].split(b"\n")[3:8], 1):
        assert whole[int(place[:10]) :].startswith(b"%d 0 obj" % number)
    assert row.id.encode() in whole
    assert b"Data transfer" in whole
    refused(sdk.v1.customers.invoices.retrieve_pdf, 404, customer_id=customer, invoice_id=UNKNOWN)


def test_void_and_regenerate_of_an_invoice_as_it_is(
    sdk: Metronome, simulator: RunningSimulator, customer: str
) -> None:
    invoices, own = sdk.v1.invoices, sdk.v1.customers.invoices
    old, *_others, draft = own.list(customer_id=customer)
    assert "can't be voided" in refused(invoices.void, 400, id=draft.id)
    assert "Only a voided" in refused(invoices.regenerate, 400, id=old.id)
    assert refused(invoices.void, 404, id=UNKNOWN) == refused(invoices.regenerate, 404, id=UNKNOWN)
    assert refused(invoices.void, 400, id="x") == "id must be a valid UUID"
    assert invoices.void(id=old.id).data.id == old.id
    assert own.retrieve(customer_id=customer, invoice_id=old.id).data.status == "VOID"
    again = invoices.regenerate(id=old.id).data.id
    row = own.retrieve(customer_id=customer, invoice_id=again).data
    assert again != old.id
    assert (row.status, row.regenerated_from_invoice_id) == ("FINALIZED", old.id)
    assert (row.start_timestamp, row.total, row.line_items) == (
        old.start_timestamp,
        old.total,
        old.line_items,
    )
    assert "already been regenerated" in refused(invoices.regenerate, 400, id=old.id)
    actions = [(row["action"], row["resource_id"]) for row in simulator.ledger()]
    assert actions == [("void", old.id), ("regenerate", again)]
    reader = Metronome(base_url=simulator.url, bearer_token=READ_ONLY_TOKEN, max_retries=0)
    assert refused(reader.v1.invoices.void, 403, id=again)


@pytest.fixture
def plan(sdk: Metronome, simulator: RunningSimulator) -> dict[str, str]:
    """A customer on a plan, a fixed charge of another plan, and one of its own."""
    own, other = [row.id for row in sdk.v1.plans.list()][:2]
    worlds = simulator.control("GET", "snapshot")
    charge = {"name": "Set-up", "charge_type": "fixed", "product_id": UNKNOWN, "product_name": "Services"}
    charge |= {"credit_type": USD, "prices": [{"tier": 0, "value": 100}], "custom_fields": {}}
    worlds["main"]["plans"][other]["charges"] = [{"id": CHARGE, **charge}]
    worlds["main"]["plans"][own]["charges"] = [{"id": OWN_CHARGE, **charge}]
    simulator.control("POST", "restore", worlds)
    customer = sdk.v1.customers.create(name="Planned AB").data.id
    start = TODAY - timedelta(days=20)
    added = sdk.v1.customers.plans.add(
        customer_id=customer, plan_id=own, starting_on=start, net_payment_terms_days=30
    ).data.id
    return {"customer_id": customer, "customer_plan_id": added, "invoice_start_timestamp": start.isoformat()}


def test_charges_are_added_to_the_draft_of_a_plans_month(
    sdk: Metronome, simulator: RunningSimulator, plan: dict[str, str]
) -> None:
    invoices = sdk.v1.customers.invoices
    given: Any = {**plan, "charge_id": CHARGE, "price": 250.5, "quantity": 2, "description": "Move"}
    invoices.add_charge(**given)
    invoices.add_charge(**given | {"quantity": 1, "description": "More"})
    (row,) = invoices.list(customer_id=plan["customer_id"])
    assert (row.type, row.status, row.total, row.net_payment_terms_days) == (
        "PLAN_ARREARS",
        "DRAFT",
        751.5,
        30,
    )
    assert [(line.name, line.total, line.sub_line_items[0].name) for line in row.line_items] == [
        ("Services", 501, "Move"),
        ("Services", 250.5, "More"),
    ]
    simulator.control("POST", "clock", {"move_days": 40})
    assert [each.status for each in invoices.list(customer_id=plan["customer_id"])] == ["FINALIZED"]
    assert "FINALIZED and can't be changed" in refused(invoices.add_charge, 400, **given)
    simulator.control("POST", "clock", {"offset_seconds": 0})


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"charge_id": UNKNOWN}, 404),
        ({"charge_id": OWN_CHARGE}, 400),
        ({"customer_plan_id": UNKNOWN}, 404),
        ({"invoice_start_timestamp": TODAY.isoformat()}, 400),
        ({"invoice_start_timestamp": (TODAY - timedelta(days=3_000)).isoformat()}, 400),
        ({"price": 1e12, "quantity": 1e12}, 400),
        ({"price": "1"}, 400),
        ({"customer_id": UNKNOWN}, 404),
    ],
)
def test_a_charge_that_can_not_be_added_changes_nothing(
    sdk: Metronome, plan: dict[str, str], change: dict[str, Any], status: int
) -> None:
    given: Any = {**plan, "charge_id": CHARGE, "price": 1, "quantity": 1, "description": "x"}
    assert refused(sdk.v1.customers.invoices.add_charge, status, **given | change)
    assert list(sdk.v1.customers.invoices.list(customer_id=plan["customer_id"])) == []


@pytest.fixture
def metered(sdk: Metronome, simulator: RunningSimulator) -> dict[str, str]:
    """A customer with calls at 2 cents, a contract since 2027, and a clock that stands on 10 January."""
    simulator.control("POST", "clock", {"at": "2027-01-01T00:00:00Z", "frozen": True})
    metric = sdk.v1.billable_metrics.create(
        name="Calls",
        aggregation_type="COUNT",
        event_type_filter={"in_values": ["call"]},
        group_keys=[["region"]],
        property_filters=[{"name": "region"}],
    ).data.id
    product = sdk.v1.contracts.products.create(
        name="Calls", type="USAGE", billable_metric_id=metric, pricing_group_key=["region"]
    ).data.id
    card = sdk.v1.contracts.rate_cards.create(name="Prices").data.id
    for region, price in (("eu", 2), ("us", 0.1)):
        sdk.v1.contracts.rate_cards.rates.add(
            rate_card_id=card,
            product_id=product,
            starting_at="2026-01-01T00:00:00Z",
            entitled=True,
            rate_type="FLAT",
            price=price,
            pricing_group_values={"region": region},
        )
    customer = sdk.v1.customers.create(name="Metered AB", ingest_aliases=["m"]).data.id
    sdk.v1.contracts.create(customer_id=customer, rate_card_id=card, starting_at="2027-01-01T00:00:00Z")
    simulator.control("POST", "clock", {"at": "2027-01-10T12:00:00Z", "frozen": True})
    for number, (at, region) in enumerate(
        [("02T01:00", "eu"), ("02T23:00", "us"), ("04T12:00", "eu"), ("04T12:30", "eu"), ("04T13:00", "mars")]
    ):
        sdk.v1.usage.ingest(
            usage=[
                {
                    "transaction_id": f"call-{number}",
                    "customer_id": "m",
                    "event_type": "call",
                    "timestamp": f"2027-01-{at}:00Z",
                    "properties": {"region": region},
                }
            ]
        )
    yield {"customer": customer, "metric": metric}
    simulator.control("POST", "clock", {"offset_seconds": 0})


JANUARY: Any = {"starting_on": "2027-01-01T00:00:00Z", "ending_before": "2027-02-01T00:00:00Z"}


def test_daily_breakdowns_add_up_to_the_invoice(sdk: Metronome, metered: dict[str, str]) -> None:
    invoices, customer = sdk.v1.customers.invoices, metered["customer"]
    (draft,) = invoices.list(customer_id=customer)
    rows = list(invoices.list_breakdowns(customer_id=customer, **JANUARY))
    days = [(f"{row.breakdown_start_timestamp:%d}", row.total) for row in rows]
    assert len(days) == 10
    assert days[:5] == [("01", 0), ("02", 2.1), ("03", 0), ("04", 4), ("05", 0)]
    assert total(row.total for row in rows) == draft.total == 6.1
    assert {row.id for row in rows} == {draft.id}
    backwards = invoices.list_breakdowns(customer_id=customer, sort="date_desc", limit=3, **JANUARY)
    assert [f"{row.breakdown_start_timestamp:%d}" for row in backwards.data] == ["10", "09", "08"]
    assert [row.total for row in backwards] == [row.total for row in rows[::-1]]
    zero = list(invoices.list_breakdowns(customer_id=customer, skip_zero_qty_line_items=True, **JANUARY))
    assert [len(row.line_items) for row in zero[:5]] == [0, 2, 0, 1, 0]


def test_hourly_breakdowns_come_a_day_at_a_time(sdk: Metronome, metered: dict[str, str]) -> None:
    page = sdk.v1.customers.invoices.list_breakdowns(
        customer_id=metered["customer"], window_size="HOUR", status="DRAFT", **JANUARY
    )
    assert len(page.data) == 24
    rows = list(page)
    assert len(rows) == 9 * 24 + 12
    assert [f"{row.breakdown_start_timestamp:%d %H}" for row in rows if row.total] == [
        "02 01",
        "02 23",
        "04 12",
    ]


def test_written_invoices_are_broken_down_evenly(sdk, simulator, customer) -> None:
    """As one is that was loaded: nobody knows when in its month what was used."""
    invoices = sdk.v1.customers.invoices
    old = next(iter(invoices.list(customer_id=customer)))
    state = simulator.control("GET", "snapshot")
    state["main"]["as_loaded"][old.id] = "2026-01-01T00:00:00.000Z"
    simulator.control("POST", "restore", state)
    rows = list(
        invoices.list_breakdowns(
            customer_id=customer, starting_on=old.start_timestamp, ending_before=old.end_timestamp
        )
    )
    assert len(rows) == (old.end_timestamp - old.start_timestamp).days
    assert total(row.total for row in rows) == old.total
    assert max(row.total for row in rows) - min(row.total for row in rows) < 0.00001


def test_breakdowns_and_costs_refuse_what_makes_no_sense(sdk: Metronome, customer: str) -> None:
    for call in (sdk.v1.customers.invoices.list_breakdowns, sdk.v1.customers.list_costs):
        assert refused(call, 404, customer_id=UNKNOWN, **JANUARY)
        assert "must be after" in refused(
            call, 400, customer_id=customer, starting_on=TODAY, ending_before=TODAY
        )
        assert refused(call, 400, customer_id=customer, limit=0, **JANUARY)
        assert refused(call, 400, customer_id=customer, next_page="nonsense", **JANUARY)


def test_costs_day_by_day(sdk: Metronome, metered: dict[str, str]) -> None:
    rows = list(
        sdk.v1.customers.list_costs(
            customer_id=metered["customer"],
            starting_on="2027-01-01T00:00:00Z",
            ending_before="2027-01-05T00:00:00Z",
        )
    )
    assert [f"{row.start_timestamp:%d}" for row in rows] == ["01", "02", "03", "04"]
    spent = rows[1].credit_types[USD["id"]]
    assert (spent.name, spent.cost) == ("USD (cents)", 2.1)
    assert [(each.name, each.cost, each.group_value) for each in spent.line_item_breakdown] == [
        ("Calls", 2, "eu"),
        ("Calls", 0.1, "us"),
    ]
    assert rows[0].credit_types == {}


def test_metrics_of_a_customer_all_or_those_with_a_price(sdk: Metronome, metered: dict[str, str]) -> None:
    listed = sdk.v1.customers.list_billable_metrics
    priced = list(listed(customer_id=metered["customer"], on_current_plan=True))
    assert [row.id for row in priced] == [metered["metric"]]
    everything = [row.id for row in listed(customer_id=metered["customer"])]
    assert len(everything) > 1
    assert metered["metric"] in everything
    sdk.v1.billable_metrics.archive(id=everything[0])
    assert [row.id for row in listed(customer_id=metered["customer"], limit=1)] == everything[1:]
    archived = listed(customer_id=metered["customer"], include_archived=True)
    assert [row.id for row in archived] == everything
    assert refused(listed, 404, customer_id=UNKNOWN)


def test_a_preview_says_what_events_would_cost_and_keeps_nothing(
    sdk: Metronome, simulator: RunningSimulator, metered: dict[str, str]
) -> None:
    customers, customer = sdk.v1.customers, metered["customer"]
    (draft,) = customers.invoices.list(customer_id=customer)
    before = simulator.control("GET", "snapshot")["main"]["events_by_name"]
    events: Any = [
        {"event_type": "call", "properties": {"region": "eu"}},
        {"event_type": "call", "transaction_id": "call-0", "properties": {"region": "eu"}},
        {"event_type": "call", "timestamp": "2027-01-08T00:00:00Z", "properties": {"region": "us"}},
    ]
    alone = customers.preview_events(customer_id=customer, events=events).data
    assert [(row.id, row.status, row.total) for row in alone] == [(draft.id, "DRAFT", 2.1)]
    merged = customers.preview_events(
        customer_id=customer, events=events, mode="merge", skip_zero_qty_line_items=True
    )
    assert [row.total for row in merged.data] == [8.2]
    assert simulator.control("GET", "snapshot")["main"]["events_by_name"] == before
    nobody = customers.create(name="Nobody AB").data.id
    assert customers.preview_events(customer_id=nobody, events=events).data == []


@pytest.mark.parametrize(
    "events",
    [
        [],
        [{"event_type": "call"}] * 101,
        [{"event_type": ""}],
        [{"event_type": "call", "timestamp": "now"}],
        [{"properties": {}}],
    ],
)
def test_a_preview_of_events_that_do_not_fit_is_refused(
    sdk: Metronome, customer: str, events: list[Any]
) -> None:
    assert refused(sdk.v1.customers.preview_events, 400, customer_id=customer, events=events)
