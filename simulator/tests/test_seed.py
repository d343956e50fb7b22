"""The seeded account: an option does what it says, and the world agrees with itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from simulator.agenda import catch_up
from simulator.engine.invoices.statements import charges, shown
from simulator.engine.prices.usage import meter
from simulator.seed import seeded
from simulator.tests import books
from simulator.world import Row, World

PLACES = {"USD (cents)": 0, "EUR": 2, "GBP": 2, "JPY": 0}
TERMS = (
    "overrides",
    "scheduled_charges",
    "discounts",
    "subscriptions",
    "recurring_commits",
    "recurring_credits",
)


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    assert seeded(customers=60).snapshot() == seeded(customers=60).snapshot()
    assert list(seeded(customers=60, seed=8).customers) != list(seeded(customers=60).customers)


def test_every_option_shapes_the_world() -> None:
    bare = seeded(customers=50, plans=0, contracts=0, churn=0)
    full = seeded(customers=50, plans=3, contracts=1, months=2, churn=1)

    assert (len(bare.customers), bare.plans, bare.contracts_of, bare.invoices_of) == (50, {}, {}, {})
    assert not any(customer["archived_at"] for customer in bare.customers.values())
    assert (len(full.plans), len(full.contracts_of)) == (3, 50)
    assert {len(list(_usage(invoices))) for invoices in full.invoices_of.values()} == {1, 2}
    assert sum(bool(customer["archived_at"]) for customer in full.customers.values()) > 30


def _usage(invoices: list[Row]) -> Iterator[Row]:
    return (each for each in invoices if each["type"] == "USAGE")


def test_the_months_of_a_contract_follow_one_another() -> None:
    world = seeded(customers=40, contracts=1, months=18, churn=0)

    lengths = set()
    for customer_id, invoices in world.invoices_of.items():
        months = list(_usage(invoices))
        for before, after in pairwise(months):
            assert before["end_timestamp"] == after["start_timestamp"]
        (contract,) = world.contracts_of[customer_id]
        if (contract["ending_before"] or "9") > world.stamp():
            assert months[-1]["status"] == "DRAFT"
            lengths.add(len(months))
    assert lengths == {5, 9, 14, 18}


# it agrees with itself


@pytest.fixture(scope="module")
def world() -> World:
    world = seeded(customers=400)
    world.clock["frozen_at"] = world.stamp()
    catch_up(world)
    return world


def test_the_books_of_a_seeded_world_are_right(world: World) -> None:
    assert books.wrong(world) == []


def test_every_invoice_is_what_its_usage_and_its_terms_make_it(world: World) -> None:
    """Each final invoice of usage, made anew: what was used and what was agreed are all that it takes."""
    seen = 0
    for own in world.invoices_of.values():
        for invoice in [each for each in _usage(own) if each["status"] == "FINALIZED"]:
            (contract,) = world.contracts_of[invoice["customer_id"]]
            anew = charges(world, contract, invoice, meter(world, invoice["customer_id"]))
            settled = [each for each in invoice["line_items"] if each["type"] != "applied_commit_or_credit"]
            assert _used(settled) == _used(anew), invoice["id"]
            if settled == invoice["line_items"]:
                assert [_told(each) for each in settled] == [_told(each) for each in anew]
            seen += 1

    assert seen > 300


def _used(lines: list[Row]) -> dict[str, float]:
    """The quantity of each product, whoever paid for it."""
    found: dict[str, float] = {}
    for each in lines:
        found[each["product_id"]] = found.get(each["product_id"], 0) + each["quantity"]
    return {product_id: round(quantity, 6) for product_id, quantity in found.items()}


def _told(line: Row) -> list[Any]:
    return [line.get(name) for name in ("product_id", "quantity", "unit_price", "total", "starting_at")]


def test_every_kind_of_term_is_seeded_and_used(world: World) -> None:
    contracts = [each for own in world.contracts_of.values() for each in own]
    lines = [
        line
        for own in world.invoices_of.values()
        for invoice in own
        for line in shown(world, invoice)["line_items"]
    ]

    for name in TERMS:
        assert any(each.get(name) for each in contracts), name
    kinds = {(each["type"], each["recurring_commit_id"] is not None) for each in _commits(world)}
    assert kinds == {("PREPAID", False), ("PREPAID", True), ("POSTPAID", False)}
    assert {each["kind"] for each in world.balances.values()} == {"commit", "credit"}
    assert any(each["ledger"] for each in world.balances.values())
    assert {each["type"] for each in lines} == {
        "usage",
        "subscription",
        "scheduled",
        "commit_purchase",
        "applied_commit_or_credit",
    }
    assert {each["type"] for each in (o for c in contracts for o in c["overrides"]) if "type" in each} == {
        "MULTIPLIER",
        "OVERWRITE",
    }


def _commits(world: World) -> Iterator[Row]:
    return (each for each in world.balances.values() if each["kind"] == "commit")


def test_amounts_fit_their_currency(world: World) -> None:
    for own in world.invoices_of.values():
        for invoice in own:
            whole = shown(world, invoice)
            for each in (whole, *whole["line_items"]):
                unit = each["credit_type"]["name"]
                assert each["total"] == round(each["total"], PLACES[unit]), (unit, each)


def test_an_archived_customer_has_no_invoice_that_is_owed(world: World) -> None:
    gone = [world.customers[each] for each in world.contracts_of if world.customers[each]["archived_at"]]

    assert gone
    for customer in gone:
        assert {each["status"] for each in world.invoices_of[customer["id"]]} == {"VOID"}
        (contract,) = world.contracts_of[customer["id"]]
        assert contract["archived_at"] == customer["archived_at"]


def test_no_two_things_have_one_id(world: World) -> None:
    ids = [
        each["id"]
        for rows in (world.contracts_of, world.invoices_of)
        for own in rows.values()
        for each in own
    ]
    ids += list(world.balances)
    ids += [
        item["id"] for row in world.balances.values() for item in row["access_schedule"]["schedule_items"]
    ]
    ids += [each["id"] for own in world.contracts_of.values() for row in own for each in row["subscriptions"]]

    assert len(ids) == len(set(ids)) > 1_000


def test_what_happens_to_one_customer_happens_to_nobody_else(world: World) -> None:
    """Customers share what names nobody; a snapshot shares nothing."""
    state = world.snapshot()
    own = World.restore(state)

    for each in (own, world):
        each.clock["frozen_at"] = each.stamp()[:8] + "28T23:00:00.000Z"
        catch_up(each)
    for customer_id in list(world.invoices_of)[:20]:
        for each in (own, world):
            for invoice in each.invoices_of[customer_id]:
                invoice.setdefault("custom_fields", {})["note"] = "x"

    assert own.snapshot() == world.snapshot()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"customers": -1}, "customers must be a whole number from 0 to 1000000"),
        ({"customers": True}, "customers must be a whole number from 0 to 1000000"),
        ({"months": 1.5}, "months must be a whole number from 1 to 120"),
        ({"churn": 1.01}, "churn must be a share from 0 to 1"),
        ({"contracts": "all"}, "contracts must be a share from 0 to 1"),
        ({"contracts": float("nan")}, "contracts must be a share from 0 to 1"),
    ],
)
def test_an_option_out_of_range_is_refused_with_a_sentence(options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        seeded(**options)


def test_a_small_world_has_somebody_who_is_archived_too() -> None:
    assert any(each["archived_at"] for each in seeded(customers=30).customers.values())
