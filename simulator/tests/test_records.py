"""An account from records: what is read of one and loaded elsewhere is the same, now and later."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from simulator.__main__ import save
from simulator.agenda import catch_up, later
from simulator.plane import records as plane
from simulator.records.load import differences, load
from simulator.records.reading import read
from simulator.tests import books
from simulator.tests.histories import History
from simulator.tests.in_process import Inside
from simulator.world import Row, World

STEPS = 90
AMBIGUOUS = "an entry does not tell which segment it is of"
RANDOM = settings(
    max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
STEPS_ON = (20, 45, 90)


def lived(seed: int) -> World:
    """A world with a random history, its clock standing still."""
    history = History(seed)
    history.prepare()
    for _step in range(STEPS):
        history.take(*history.next())
    history.world.clock["frozen_at"] = history.world.stamp()
    history.catch_up()
    return history.world


def loaded(records: Row) -> World:
    """What was loaded; an entry of a segment that has moved away since doesn't tell which one it was."""
    world, report = load(records)
    catch_up(world)
    assert {each["reason"] for each in report.left_out} <= {AMBIGUOUS}
    assume(report.left_out == [])
    return world


@RANDOM
@given(st.integers(0, 10_000))
def test_what_is_loaded_reads_the_same_again(seed: int) -> None:
    records = read(lived(seed))

    world = loaded(records)

    again = read(world)
    assert {name: again[name] for name in records} == records
    assert differences(world, records) == []
    assert [*books.wrong_invoices(world), *books.wrong_balances(world)] == []


@RANDOM
@given(st.integers(0, 10_000))
def test_what_is_loaded_goes_on_as_the_other_does(seed: int) -> None:
    """An even seed's world is used by events alone, which a load brings as they are; see beginning()."""
    world = lived(2 * seed)
    assume(not list(_untold(world)))
    other = loaded(read(world))

    for days in STEPS_ON:
        for each in (world, other):
            each.clock["frozen_at"] = later(each.stamp(), days=days)
            catch_up(each)

        assert sorted(_billed(other), key=repr) == sorted(_billed(world), key=repr)
        assert sorted(_held(other), key=repr) == sorted(_held(world), key=repr)


def _untold(world: World) -> Iterator[Row]:
    """Manual entries of segments that are still to come, of which no ledger tells."""
    for row in world.balances.values():
        coming = {
            e["id"] for e in row["access_schedule"]["schedule_items"] if e["starting_at"] > world.stamp()
        }
        yield from (each for each in row["ledger"] if each["segment_id"] in coming)


def _billed(world: World) -> Iterator[Any]:
    """What contracts were billed; an invoice that is new has an id of its own in each world."""
    names = (
        "customer_id",
        "contract_id",
        "type",
        "status",
        "start_timestamp",
        "issued_at",
        "total",
        "subtotal",
    )
    for each in read(world)["invoices"]:
        if "contract_id" in each:
            yield [*(each.get(name) for name in names), each["credit_type"]["id"], len(each["line_items"])]


def _held(world: World) -> Iterator[Any]:
    for each in read(world)["balances"]:
        moved = [(entry["type"], entry["timestamp"], entry["amount"]) for entry in each.get("ledger", [])]
        yield [each["customer_id"], each["type"], each["balance"], sorted(moved)]


# what can't be taken


@pytest.fixture(scope="module")
def records() -> Row:
    return read(lived(4))


def test_what_does_not_fit_is_left_out_by_name_and_the_rest_is_taken(records: Row) -> None:
    given = copy.deepcopy(records)
    customer, contract = given["customers"][0], given["contracts"][0]
    del given["customers"][1]["created_at"]
    given["rates"][0]["product_id"] = contract["id"]
    given["edit_histories"] = [{"id": contract["id"], "name": "Renamed"}]
    given["invoices"].append({"id": "nobody's"})

    world, report = load(given)

    told = {(each["kind"], each.get("id")): each["reason"] for each in report.left_out}
    assert told["customers", given["customers"][1]["id"]] == "created_at: Field required"
    assert told["invoices", "nobody's"].endswith("Field required")
    assert "edit history is not kept" in told["edit_histories", contract["id"]]
    assert {each["reason"] for each in report.left_out if each["kind"] == "rates"} == {
        "its product is not among the records"
    }
    assert list(world.customers) == [customer["id"], *(each["id"] for each in given["customers"][2:])]
    assert report.taken["customers"] == len(given["customers"]) - 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "Records are a JSON object of lists"),
        ({"customer": []}, "There are no records of customer; there are "),
        ({"customers": {}}, "customers must be a list of records"),
        ({"clock": "today"}, "clock must be an RFC 3339 timestamp"),
        ({"clock": 5}, "clock must be an RFC 3339 timestamp"),
    ],
)
def test_what_is_no_body_of_records_is_refused(body: Any, words: str) -> None:
    inside = Inside()

    status, answer = inside.ask("POST /_sim/load", body)

    assert (status, answer["message"][: len(words)]) == (400, words)
    assert inside.service.accounts == {"main", "other"}


@pytest.mark.parametrize("seed", range(8))
def test_spoiled_records_never_bring_an_answer_of_500(records: Row, seed: int) -> None:
    dice, inside = random.Random(seed), Inside()
    given = copy.deepcopy(records)
    for _time in range(12):
        _spoil(dice, given[dice.choice([name for name in given if name != "clock" and given[name]])])

    status, made = inside.ask("POST /_sim/load", given)

    assert status == 200, made
    inside.service.tokens["loaded"] = inside.service.tokens[made["token"]]
    for days in (0, 40):
        moved = inside.ask("POST /_sim/clock", {"move_days": days}, account=made["account"])
        assert moved[0] == 200, moved
        for customer in inside.service.worlds[made["account"]].customers:
            body = {"customer_id": customer, "include_balance": True, "include_ledgers": True}
            for asked in (
                inside.ask(f"GET /v1/customers/{customer}/invoices", token="loaded"),
                inside.ask("POST /v2/contracts/list", body, token="loaded"),
                inside.ask("POST /v1/contracts/customerBalances/list", body, token="loaded"),
            ):
                assert asked[0] < 500


def _spoil(dice: random.Random, value: Any) -> None:
    """Take something out, or put something else in its place, at some depth."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = dice.choice(keys)
        if isinstance(value[key], dict | list) and value[key] and dice.random() < 0.8:
            value = value[key]
            continue
        if dice.random() < 0.4:
            del value[key]
        else:
            value[key] = dice.choice(
                [None, 0, -1, "", "x", [], {}, 1e300, "2030-01-01T00:00:00Z", value[key]]
            )
        return


# accounts


def test_each_load_has_an_account_and_a_token_of_its_own(records: Row) -> None:
    inside = Inside()
    one, two = (inside.ask("POST /_sim/load", records)[1] for _load in range(2))
    customer = records["customers"][0]["id"]
    for name, each in (("one", one), ("two", two)):
        inside.service.tokens[name] = inside.service.tokens[each["token"]]

    renamed = inside.ask(f"POST /v1/customers/{customer}/setName", {"name": "Rehearsed"}, token="one")

    assert renamed[0] == 200
    assert one["account"] != two["account"]
    assert inside.ask(f"GET /v1/customers/{customer}", token="one")[1]["data"]["name"] == "Rehearsed"
    before = records["customers"][0]["name"]
    assert inside.ask(f"GET /v1/customers/{customer}", token="two")[1]["data"]["name"] == before
    assert inside.ask(f"GET /v1/customers/{customer}")[0] == 404
    assert inside.ask(f"DELETE /_sim/load/{one['account']}")[0] == 200
    assert one["token"] not in inside.service.tokens
    assert inside.ask(f"DELETE /_sim/load/{one['account']}")[0] == 404
    assert inside.ask("DELETE /_sim/load/main")[0] == 404


def test_a_waiting_instance_is_emptied_with_everything_that_was_loaded(records: Row) -> None:
    inside = Inside()
    made = inside.ask("POST /_sim/load", records)[1]
    inside.fault("*", "status_before")

    assert inside.ask("POST /_sim/empty") == (200, {})

    assert inside.service.worlds["main"].customers == {}
    assert made["token"] not in inside.service.tokens
    assert inside.ask("GET /_sim/faults")[1] == {"data": []}
    assert inside.ask("GET /v1/customers")[1]["data"] == []


def test_a_loaded_account_is_forgotten_by_a_snapshot_without_it_and_by_a_restart(
    records: Row, tmp_path: Path
) -> None:
    inside = Inside(customers=2)
    before = inside.ask("GET /_sim/snapshot")[1]
    made = inside.ask("POST /_sim/load", records)[1]
    assert made["account"] in inside.ask("GET /_sim/snapshot")[1]

    save(inside.service, tmp_path / "state.json")
    assert orjson.loads((tmp_path / "state.json").read_bytes()).keys() == before.keys()
    assert inside.ask("POST /_sim/restore", before)[0] == 200
    assert made["token"] not in inside.service.tokens
    assert made["account"] not in inside.service.accounts


def test_there_is_an_end_to_what_may_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane, "MOST_LOADED", 2)
    inside = Inside(customers=0)
    one, _two = (inside.ask("POST /_sim/load", {})[1]["account"] for _load in range(2))

    assert inside.ask("POST /_sim/load", {})[0] == 409
    inside.ask(f"DELETE /_sim/load/{one}")
    assert inside.ask("POST /_sim/load", {})[0] == 200


def test_one_customer_is_read_with_the_whole_catalogue() -> None:
    inside = Inside()
    customer = next(iter(inside.world.contracts_of))

    status, records = inside.ask("GET /_sim/records", customer_id=customer)

    assert status == 200
    assert [each["id"] for each in records["customers"]] == [customer]
    assert {each["customer_id"] for each in records["contracts"]} == {customer}
    assert len(records["products"]) == len(inside.world.products)
    assert inside.ask("GET /_sim/records", customer_id="nobody")[0] == 400
    assert inside.ask("GET /_sim/records", customer_id="00000000-0000-4000-8000-000000000000")[0] == 404


def test_where_a_token_is_set_the_control_plane_asks_for_it() -> None:
    inside = Inside()
    inside.service.control_token = "let me in"
    ask = inside.request("POST /_sim/empty")
    ask.headers.pop("authorization")

    def status(authorization: str) -> int:
        request = inside.request("GET /_sim/clock")
        request.headers["authorization"] = authorization
        return inside.carried(request).status

    refused = inside.carried(ask)
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Basic realm=")
    assert inside.world.customers
    assert [status(each) for each in ("Bearer ours", "Bearer let me in", "Basic eDpsZXQgbWUgaW4=")] == [
        401,
        200,
        200,
    ]
    assert [status(each) for each in ("Basic eDp4", "Basic %", "let me in", "Basic")] == [401] * 4
    assert inside.ask("GET /_sim/health")[0] == 200
