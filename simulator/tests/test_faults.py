"""Every kind of fault does what it says, as often as it says, on the route that it says."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from simulator.faults import KINDS
from simulator.running import TOKEN, RunningSimulator
from simulator.tests.in_process import Inside

LIST = "GET /v1/customers"
CREATE = "POST /v1/customers"
NEW = {"name": "Alder"}


@pytest.fixture
def inside() -> Inside:
    return Inside()


def names(inside: Inside, **query: str) -> tuple[list[str], str | None]:
    _status, answer = inside.ask(LIST, **query)
    return [row["id"] for row in answer["data"]], answer["next_page"]


def test_a_rate_limited_request_does_nothing_and_says_which_limit(inside: Inside) -> None:
    inside.fault(CREATE, "rate_limited", limit_type="customer", retry_after=1.5)
    inside.fault(CREATE, "rate_limited")

    first, second = inside.answer(CREATE, NEW).reply, inside.answer(CREATE, NEW).reply

    assert (first.status, second.status) == (429, 429)
    assert first.headers == {"x-metronome-rate-limit-type": "customer", "retry-after": "1.5"}
    assert second.headers == {"x-metronome-rate-limit-type": "client"}
    assert orjson.loads(second.payload()) == {"message": "Rate limit exceeded"}
    assert inside.world.effects == []


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize(("kind", "effects"), [("status_before", 0), ("status_after", 1)])
def test_a_failed_request_has_its_effect_or_not(inside: Inside, status: int, kind: str, effects: int) -> None:
    inside.fault(CREATE, kind, status=status, message="Bad day")

    assert inside.ask(CREATE, NEW) == (status, {"message": "Bad day"})
    assert len(inside.world.effects) == effects


@pytest.mark.parametrize(
    ("kind", "content"),
    [("empty_object", b"{}"), ("html", b"<!doctype html>"), ("truncated", b'{"da'), ("malformed", b'{"da')],
)
def test_a_spoiled_answer_has_had_its_effect(inside: Inside, kind: str, content: bytes) -> None:
    inside.fault(CREATE, kind)

    reply = inside.answer(CREATE, NEW).reply

    assert reply.status == 200
    assert reply.payload().startswith(content)
    assert len(inside.world.effects) == 1
    if kind in ("html", "truncated", "malformed"):
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(reply.payload())


def test_unknown_fields_are_added_to_every_object(inside: Inside) -> None:
    inside.fault(CREATE, "unknown_fields")

    _status, answer = inside.ask(CREATE, NEW)

    assert answer["added_since"] == answer["data"]["added_since"]
    assert answer["data"]["name"] == "Alder"


def test_missing_fields_are_the_named_ones_or_one_of_each_object(inside: Inside) -> None:
    inside.fault(CREATE, "missing_fields", fields=["external_id", "name"])
    inside.fault(CREATE, "missing_fields")
    usual = {"id", "name", "external_id", "ingest_aliases", "custom_fields"}

    named, rolled = (inside.ask(CREATE, NEW)[1]["data"] for _try in range(2))

    assert named.keys() == usual - {"external_id", "name"}
    assert len(usual - rolled.keys()) == 1


def test_an_expired_cursor_hits_only_a_request_with_a_cursor(inside: Inside) -> None:
    inside.fault(LIST, "expired_cursor")
    _ids, onward = names(inside, limit="2")

    assert inside.ask(LIST, limit="2", next_page=onward) == (400, {"message": "Invalid next_page token"})
    assert inside.ask(LIST, limit="2", next_page=onward)[0] == 200


@pytest.mark.parametrize("kind", ["duplicated_rows", "skipped_rows"])
def test_rows_are_doubled_or_lost_between_pages(inside: Inside, kind: str) -> None:
    whole, _onward = names(inside)
    first, onward = names(inside, limit="2")
    inside.fault(LIST, kind)

    second, last = names(inside, limit="2", next_page=onward)
    third, _end = names(inside, limit="100", next_page=last)

    assert first == whole[:2]
    assert second == (whole[1:4] if kind == "duplicated_rows" else whole[3:5])
    assert second + third == (whole[1:] if kind == "duplicated_rows" else whole[3:])


def test_a_body_cursor_is_hit_too(inside: Inside) -> None:
    inside.fault("POST /v1/contracts/list", "expired_cursor")
    customer = inside.world.customer_order[0]

    assert inside.ask("POST /v1/contracts/list", {"customer_id": customer, "cursor": "x"})[0] == 400
    assert inside.service.faults.active == []


def test_a_stale_read_shows_what_was_before_the_write(inside: Inside) -> None:
    customer_id = inside.world.customer_order[0]
    inside.fault("GET /v1/customers/{customer_id}", "stale_read", count=2)
    before = inside.ask(f"GET /v1/customers/{customer_id}")[1]["data"]["name"]
    inside.ask(f"POST /v1/customers/{customer_id}/setName", {"name": "After"})

    seen = [inside.ask(f"GET /v1/customers/{customer_id}")[1]["data"]["name"] for _try in range(2)]

    assert seen == [before, "After"]
    assert inside.service.past == {}


def test_a_stale_read_on_every_route_leaves_writes_alone(inside: Inside) -> None:
    inside.fault("*", "stale_read", count=None)

    made = inside.ask(CREATE, NEW)[1]["data"]["id"]

    assert inside.ask(f"GET /v1/customers/{made}")[0] == 404
    assert made in inside.world.customers


def test_dice_fall_the_same_way_for_the_same_seed() -> None:
    def struck(seed: int) -> list[int]:
        inside = Inside(seed=seed)
        inside.fault(LIST, "status_before", status=503, probability=0.3)
        return [inside.ask(LIST)[0] for _try in range(60)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 8 <= struck(1).count(503) <= 28


def test_a_fault_strikes_after_so_many_and_so_often_and_then_is_gone(inside: Inside) -> None:
    inside.fault(LIST, "status_before", status=502, skip=1, count=2)

    assert [inside.ask(LIST)[0] for _try in range(5)] == [200, 502, 502, 200, 200]
    assert inside.ask("GET /v1/plans")[0] == 200
    assert inside.ask("GET /_sim/faults")[1] == {"data": []}


def test_one_fault_is_taken_away_and_the_others_stay(inside: Inside) -> None:
    first, second = inside.fault(LIST, "html"), inside.fault(LIST, "stale_read")

    assert inside.ask(f"DELETE /_sim/faults/{second}") == (200, {})
    assert [row["id"] for row in inside.ask("GET /_sim/faults")[1]["data"]] == [first]
    assert inside.service.past == {}
    assert inside.ask(f"DELETE /_sim/faults/{second}")[0] == 404


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"route": LIST}, "kind is required"),
        ({"route": LIST, "kind": "flood"}, "kind must be one of status_before, "),
        ({"route": "GET /v9", "kind": "html"}, "route must be *, writes or a route that is served"),
        ({"route": LIST, "kind": "html", "colour": 1}, "A fault has no colour"),
        ({"route": LIST, "kind": "html", "count": 0}, "count must be at least 1"),
        ({"route": LIST, "kind": "html", "probability": 2}, "probability must be between 0 and 1"),
        ({"route": LIST, "kind": "html", "seconds": -1}, "seconds must be between 0 and 3600"),
        ({"route": LIST, "kind": "status_after", "status": 99}, "status must be between 200 and 599"),
        ({"route": LIST, "kind": "html", "headers": {"a": "b\r\nc: d"}}, "headers.a can't be sent"),
        ({"route": LIST, "kind": "html", "headers": {"Content-Length": "1"}}, "headers.Content-Length can't"),
        ([], "Request body must be a JSON object"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(inside: Inside, wanted: Any, words: str) -> None:
    status, answer = inside.ask("POST /_sim/faults", wanted)

    assert status == 400
    assert answer["message"].startswith(words)
    assert inside.service.faults.active == []


def test_connections_break_before_amid_and_after(simulator: RunningSimulator) -> None:
    with httpx.Client(
        base_url=simulator.url, headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False
    ) as client:
        for kind in ("drop_before", "cut_off", "drop_after"):
            simulator.fault(CREATE, kind)
            with pytest.raises(httpx.RemoteProtocolError):
                client.post("/v1/customers", json={"name": kind})

    assert [effect["after"]["name"] for effect in simulator.ledger()] == ["cut_off", "drop_after"]
    assert simulator.requests()["statuses"] == {"dropped": 2, "200": 1}


@pytest.mark.parametrize("status", [204, 302, 304, 418, 599])
def test_any_status_can_be_ordered_and_travels(simulator: RunningSimulator, status: int) -> None:
    simulator.fault(LIST, "status_before", status=status, headers={"x-why": "told so"})
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=10)

    connection.request("GET", "/v1/customers", headers={"authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()

    assert (answer.status, answer.headers["x-why"]) == (status, "told so")
    assert content == (b"" if status in (204, 304) else b'{"message":"Internal server error"}')


@pytest.mark.parametrize("kind", ["dribble_headers", "dribble_body", "hang_before", "hang_after"])
def test_a_slow_answer_is_whole_in_the_end(simulator: RunningSimulator, kind: str) -> None:
    simulator.fault(CREATE, kind, seconds=0.0005)

    with httpx.Client(headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False) as client:
        answer = client.post(f"{simulator.url}/v1/customers", json={"name": kind})

    assert answer.json()["data"]["name"] == kind


def test_every_kind_is_told_to_a_reader() -> None:
    assert len(KINDS) == len(set(KINDS)) == 20
