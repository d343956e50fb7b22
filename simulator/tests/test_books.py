"""Whatever happens to an account, its books are right.

Random histories, each by its seed; COUNTERSIGN_HISTORIES=200 plays so many, COUNTERSIGN_HISTORY_STEPS=400
makes them longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from simulator.agenda import later
from simulator.routes import ROUTER
from simulator.routing import ROUTES
from simulator.tests import books
from simulator.tests.fuzzing import Dice
from simulator.tests.histories import History, Step, beginning
from simulator.world import World

HISTORIES = int(os.environ.get("COUNTERSIGN_HISTORIES", "12"))
STEPS = int(os.environ.get("COUNTERSIGN_HISTORY_STEPS", "160"))
# a refusal may have used up a random id, and is kept under its Idempotency-Key
NOT_OF_A_REFUSAL = ("random", "answers")
BALANCES = "POST /v1/contracts/customerBalances/list"
LOOKED_AT = "alert_states"  # an alert looks anew whenever its state is asked for


def played(seed: int, state: Any = None) -> History:
    """A history that nobody looks at."""
    history = History(seed, state)
    history.prepare()
    for _step in range(STEPS):
        history.take(*history.next())
    return history


@pytest.fixture(scope="module", params=range(HISTORIES))
def history(request: pytest.FixtureRequest) -> History:
    return played(request.param)


@pytest.mark.parametrize("seed", range(100, 100 + HISTORIES))
def test_at_every_step_of_a_history_the_books_are_right_and_what_has_ended_stays_so(seed: int) -> None:
    history = History(seed)
    history.prepare()
    ended = books.finals(history.world)

    for _number in range(STEPS):
        name, body, key = history.next()
        before, effects = _prior(history)
        step = history.take(name, body, key)
        if step.status >= 400:
            assert books.state(history.world, *NOT_OF_A_REFUSAL) == before, f"{step} changed something"
        elif not step.is_control and books.state(history.world, *NOT_OF_A_REFUSAL) != before:
            assert len(history.world.effects) == effects + 1, f"{step} left no effect, or several"
        assert step.status < 500, step
        assert books.wrong(history.world) == [], step
        now = books.finals(history.world)
        assert {name: now.get(name) for name in ended} == ended, step
        ended = now
        if step.stored:
            _replayed(history, step)


def _prior(history: History) -> tuple[bytes, int]:
    history.catch_up()
    return books.state(history.world, *NOT_OF_A_REFUSAL), len(history.world.effects)


def _replayed(history: History, step: Step) -> None:
    """Ask again under the same Idempotency-Key: the same bytes, refusals too, and nothing has changed."""
    history.catch_up()
    before = books.state(history.world)
    replay = history.send(step.name, step.body, step.key)
    assert (replay.status, replay.content) == (step.status, step.content), step
    changed = history.send(step.name, step.body, step.key, other="parameter")
    assert (changed.status, b"different parameters" in changed.content) == (409, True), step
    assert books.state(history.world) == before


def test_every_effect_is_in_the_audit_log(history: History) -> None:
    told = {
        (row["request"]["id"], row["resource_type"], row["resource_id"], row["action"])
        for row in history.world.audit_log
    }
    effects = [
        (row["request_id"], row["resource_type"], row["resource_id"], row["action"])
        for row in history.world.effects
    ]

    assert [each for each in effects if each not in told] == []
    assert [row["sequence"] for row in history.world.effects] == list(range(1, len(effects) + 1))


def test_reading_changes_nothing(history: History) -> None:
    history.catch_up()
    before = books.state(history.world, LOOKED_AT)

    for name, body, query in _reads(history):
        history.send(name, body, **query)
        assert books.state(history.world, LOOKED_AT) == before, (name, body, query)


def _reads(history: History, seed: int = 1) -> Iterator[tuple[str, Any, dict[str, str]]]:
    """Every read of everything there is, and reads that the dice of the fuzz make up."""
    world = history.world
    for customer in world.customer_order:
        yield f"GET /v1/customers/{customer}", None, {}
        for list_of in ("invoices", "plans", "costs", "billable-metrics"):
            dates = {"starting_on": "2026-01-01T00:00:00Z", "ending_before": "2027-01-01T00:00:00Z"}
            yield f"GET /v1/customers/{customer}/{list_of}", None, dates if list_of == "costs" else {}
        whole = {"customer_id": customer, "include_ledgers": True, "include_balance": True}
        for path in ("v1/contracts/list", "v2/contracts/list", "v1/contracts/customerBalances/list"):
            yield f"POST /{path}", whole, {}
        yield "POST /v1/contracts/customerBalances/getNetBalance", {"customer_id": customer}, {}
        yield "POST /v1/customer-alerts/list", {"customer_id": customer}, {}
        events = [{"event_type": "call", "properties": {"amount": "3", "region": "eu"}}]
        yield f"POST /v1/customers/{customer}/previewEvents", {"events": events, "mode": "merge"}, {}
    for path in ("v1/customers", "v1/auditLogs", "v1/plans", "v1/billable-metrics"):
        yield f"GET /{path}", None, {}
    yield "POST /v1/credits/listGrants", {}, {}
    yield "POST /v1/credits/listEntries", {}, {}
    wild = Dice(seed, world.snapshot())
    routes = {name for name, each in ROUTES.items() if not each.writes}
    for _number in range(300):
        route, method, path, query, body = wild.request()
        if route.name in routes and ROUTER.match(method, path):
            yield f"{method} {path}", body, query


def test_a_snapshot_is_restored_exactly_and_the_restored_world_goes_on_like_the_other(
    history: History,
) -> None:
    other = History(1, orjson.loads(orjson.dumps(history.world.snapshot())))

    assert other.world.snapshot() == history.world.snapshot()
    assert books.state(other.world) == books.state(history.world)
    one, other = (History(5, each.world.snapshot()) for each in (history, other))
    for name, body, query in _reads(one, seed=2):
        assert one.send(name, body, **query).content == other.send(name, body, **query).content
    for _number in range(40):
        assert one.take(*one.next()) == other.take(*other.next())
    assert books.state(one.world) == books.state(other.world)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_and_history_give_the_same_world(seed: int) -> None:
    state = beginning(seed)
    one, other = played(seed, state), played(seed, state)

    assert one.steps == other.steps
    assert books.state(one.world) == books.state(other.world)
    assert books.state(played(seed + 2, state).world) != books.state(one.world)


def test_what_was_answered_before_a_snapshot_is_replayed_after_it(history: History) -> None:
    again = History(1, history.world.snapshot())

    for step in history.steps:
        if _is_kept(again.world, step):
            _replayed(again, step)


def _is_kept(world: World, step: Step) -> bool:
    """Whether its answer is stored, and still is."""
    return step.stored and f"Ours {step.key}" in world.answers and later(step.at, hours=24) > world.stamp()


def test_histories_hold_everything_that_moves_money() -> None:
    worlds = [played(seed).world for seed in range(HISTORIES)]
    balances = [row for world in worlds for row in world.balances.values()]
    moved = {entry["type"].removeprefix("PREPAID_") for row in balances for entry in row["ledger"]}
    invoices = [row for world in worlds for row in books.invoices(world)]

    for kind in ("AUTOMATED_INVOICE_DEDUCTION", "MANUAL", "CANCELED", "ROLLOVER"):
        assert f"COMMIT_{kind}" in moved, moved
    assert {"POSTPAID_COMMIT_TRUEUP", "POSTPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION"} <= moved
    assert {row["status"] for row in invoices} == {"DRAFT", "FINALIZED", "VOID"}
    assert {"usage", "subscription", "scheduled", "commit_purchase", "cpu_conversion"} <= {
        line["type"] for row in invoices for line in row["line_items"]
    }
    assert any(grant["entries"] for world in worlds for grant in world.credit_grants.values())


def test_what_is_paid_in_advance_is_gone_at_once_and_comes_back_when_the_customer_is_archived() -> None:
    history = History(0)
    history.prepare()
    (customer,), (card, *_others) = history.world.customer_order, history.world.rate_cards
    start, end = "2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z"
    segment = {"amount": 5_000, "starting_at": start, "ending_before": end}
    terms = {
        "customer_id": customer,
        "product_id": history.product("Fee"),
        "priority": 1,
        "access_schedule": {"schedule_items": [segment]},
    }
    seats = {
        "collection_schedule": "ADVANCE",
        "billing_cycle_config": {"invoice_placement": "ON_SCHEDULED_INVOICE"},
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": history.product("Seats")},
        "initial_quantity": 10,
    }
    given = {"customer_id": customer, "rate_card_id": card, "starting_at": start, "subscriptions": [seats]}

    def balance() -> float:
        listed = history.send(BALANCES, {"customer_id": customer, "include_balance": True})
        return orjson.loads(listed.content)["data"][0]["balance"]

    history.take("POST /v1/contracts/customerCredits/create", terms)
    made = orjson.loads(history.take("POST /v1/contracts/create", given).content)["data"]["id"]
    assert balance() == 5_000 - 1_999.9
    contract = {"customer_id": customer, "contract_id": made, "void_invoices": False}
    assert history.take("POST /v1/contracts/archive", contract).status == 200
    assert balance() == 5_000 - 1_999.9
    assert history.take("POST /v1/customers/archive", {"id": customer}).status == 200
    assert balance() == 5_000
    assert books.wrong(history.world) == []
