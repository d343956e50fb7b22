"""The control plane and its page: what they do, and the sentence that they answer to nonsense."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest

from simulator.checks import moment_of
from simulator.tests.in_process import Inside

XSS = "<script>alert('billing')</script>"


@pytest.fixture
def inside() -> Inside:
    return Inside(customers=16)


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("POST reset", b"{", "Request body is not valid JSON"),
        ("POST reset", [], "Request body must be a JSON object"),
        ("POST reset", {"customers": -1}, "customers must be between 0 and 1,000,000"),
        ("POST reset", {"customers": "many"}, "customers must be an integer"),
        ("POST seed", {"churn": 1.5}, "churn must be between 0 and 1"),
        ("POST seed", {"colour": 1}, "There is no field colour here; the fields are churn, contracts, "),
        ("POST restore", {}, "A snapshot is a JSON object of accounts, and main is one of them"),
        ("POST restore", {"main": {}}, "This is no snapshot of this version of the simulator"),
        (
            "POST switches",
            {"held_alias": "steal"},
            "held_alias can't be steal. The switches are held_alias: ",
        ),
        ("POST clock", {"at": "tomorrow"}, "at must be an RFC 3339 timestamp"),
        ("POST clock", {"move_days": 10**9}, "The clock"),
        ("POST clock", {"offset_seconds": 1e14}, "The clock"),
        ("POST latency", {}, "seconds is required"),
        ("POST latency", {"seconds": -1}, "seconds must be between 0 and 600"),
        ("POST trial", {"limit": -5}, "limit must be between 0 and 1,000,000"),
        ("POST change", {"what": "GET /v1/plans"}, "what must be a route that writes, or one of create, "),
        ("POST change", {"what": "rename"}, "ids.customer_id is required for POST /v1/customers/"),
        ("GET ledger?since=soon", None, "since must be a sequence number"),
        ("GET customer", None, "Say id, alias or name"),
        ("GET clock?account=nobody", None, "account must be one of main, other"),
        ("DELETE faults/first", None, "A fault's id is a number"),
    ],
)
def test_nonsense_is_a_400_with_a_sentence_and_changes_nothing(
    inside: Inside, name: str, body: Any, words: str
) -> None:
    method, _, address = name.partition(" ")
    path, _, query = address.partition("?")
    before = inside.world.snapshot()

    status, answer = inside.ask(f"{method} /_sim/{path}", body, **dict([query.split("=")] if query else []))

    assert status == 400
    assert answer["message"].startswith(words)
    assert inside.service.worlds["main"].snapshot() == before


def test_an_address_that_there_is_not_names_those_that_there_are(inside: Inside) -> None:
    status, answer = inside.ask("POST /_sim/explode")

    assert status == 404
    assert "POST faults" in answer["message"]


def test_reset_gives_the_world_that_was_asked_for_or_the_first_one(inside: Inside) -> None:
    first = inside.world.customer_order
    inside.ask("GET /v1/plans")
    inside.fault("*", "html")

    assert inside.ask("POST /_sim/reset", {"customers": 3, "plans": 1, "seed": 1}) == (200, {"customers": 3})
    assert inside.ask("GET /_sim/faults")[1] == {"data": []}
    assert inside.ask("GET /_sim/requests")[1]["counts"] == {}
    assert inside.ask("POST /_sim/reset") == (200, {"customers": 16})
    assert inside.service.worlds["main"].customer_order == first


def test_seed_replaces_one_account_and_leaves_the_rest(inside: Inside) -> None:
    inside.fault("*", "html")

    status, answer = inside.ask("POST /_sim/seed", {"customers": 4, "plans": 1, "seed": 3}, account="other")

    assert (status, answer) == (200, {"customers": 4})
    assert inside.ask("GET /_sim/health")[1] == {"ok": True, "customers": 16}
    assert len(inside.service.faults.active) == 1


def test_a_snapshot_of_all_accounts_restores_exactly(inside: Inside) -> None:
    inside.ask("POST /v1/customers", {"name": "Theirs"}, token="theirs", key="k")
    inside.ask("POST /_sim/clock", {"frozen": True})
    _status, before = inside.ask("GET /_sim/snapshot")
    inside.ask("POST /v1/customers", {"name": "Later"})
    inside.ask("POST /_sim/seed", {"customers": 0}, account="other")

    assert inside.ask("POST /_sim/restore", before) == (200, {})

    assert before.keys() == {"main", "other"}
    assert inside.ask("GET /_sim/snapshot")[1] == before


@pytest.mark.parametrize("spoil", ["customers", "random", "clock"])
def test_a_spoiled_snapshot_is_refused_whole(inside: Inside, spoil: str) -> None:
    _status, state = inside.ask("GET /_sim/snapshot")
    state["main"][spoil] = {"frozen_at": 5} if spoil == "clock" else [1]

    status, answer = inside.ask("POST /_sim/restore", state)

    assert status == 400
    assert answer["message"].startswith("This is no snapshot")
    assert inside.service.worlds["main"] is inside.world


def test_somebody_else_changes_anything_under_their_own_name(inside: Inside) -> None:
    inside.fault("*", "status_before", status=503, count=None)
    route = "POST /v1/customers/{customer_id}/updateConfig"
    change = {"what": route, "ids": {"customer_id": inside.world.customer_order[0]}, "actor": "Ana Ruiz"}

    status, _answer = inside.ask("POST /_sim/change", change | {"body": {"salesforce_account_id": "0015"}})

    assert status == 200
    (effect,) = inside.ask("GET /_sim/ledger")[1]["data"]
    assert (effect["route"], effect["actor"], effect["after"]) == (
        route,
        "Ana Ruiz",
        {"salesforce_account_id": "0015"},
    )
    assert inside.world.audit_log[-1]["actor"]["name"] == "Ana Ruiz"
    assert inside.ask("POST /_sim/change", {"what": "create", "body": {}})[0] == 400


def test_the_ledger_goes_on_after_a_sequence_number(inside: Inside) -> None:
    for name in ("One", "Two", "Three"):
        inside.ask("POST /_sim/change", {"what": "create", "body": {"name": name}})

    later = inside.ask("GET /_sim/ledger", since="2")[1]["data"]

    assert [row["after"]["name"] for row in later] == ["Three"]
    del inside.world.effects[:2]
    assert inside.ask("GET /_sim/ledger", since="2")[1]["data"] == later
    assert inside.ask("GET /_sim/ledger", since="3")[1]["data"] == []


def test_requests_are_counted_by_route_and_status(inside: Inside) -> None:
    inside.ask("GET /v1/plans")
    inside.ask("GET /v1/nothing")
    inside.fault("GET /v1/plans", "drop_after")
    inside.ask("GET /v1/plans")

    _status, told = inside.ask("GET /_sim/requests")

    assert told["counts"] == {"GET /v1/plans": 2, "unknown": 1}
    assert told["statuses"] == {"200": 1, "404": 1, "dropped": 1}
    assert told["faults_struck"] == 1
    assert [each["manner"] for each in told["recent"]] == ["whole", "whole", "drop"]
    assert told["recent"][0]["milliseconds"] > 0


def test_a_clock_is_frozen_set_moved_and_run_again(inside: Inside) -> None:
    def clock(**fields: Any) -> dict[str, Any]:
        status, answer = inside.ask("POST /_sim/clock", fields)
        assert status == 200, answer
        return answer

    assert clock(at="2031-05-01T00:00:00Z", frozen=True)["now"] == "2031-05-01T00:00:00.000Z"
    assert clock(move_days=1.5, move_seconds=-1)["now"] == "2031-05-02T11:59:59.000Z"
    assert inside.ask("GET /_sim/clock")[1]["now"] == "2031-05-02T11:59:59.000Z"
    running = moment_of(clock(frozen=False)["now"], "now")
    assert timedelta() <= running - moment_of("2031-05-02T11:59:59Z", "") < timedelta(seconds=5)
    assert clock(frozen=True)["frozen_at"] is not None
    back = moment_of(clock(offset_seconds=0)["now"], "now")
    assert abs(datetime.now(UTC) - back) < timedelta(seconds=5)


def test_moving_the_clock_carries_out_what_became_due(inside: Inside) -> None:
    inside.ask("POST /_sim/clock", {"frozen": True})
    now = moment_of(inside.world.stamp(), "now").replace(hour=0, minute=0, second=0, microsecond=0)
    customer_id = inside.ask("POST /v1/customers", {"name": "A"})[1]["data"]["id"]
    plan_id = next(iter(inside.world.plans))
    start = (now + timedelta(days=2)).isoformat()
    inside.ask(f"POST /v1/customers/{customer_id}/plans/add", {"plan_id": plan_id, "starting_on": start})

    def active() -> list[str]:
        _status, answer = inside.ask(f"GET /v1/planDetails/{plan_id}/customers")
        return [row["customer_details"]["id"] for row in answer["data"]]

    assert customer_id not in active()
    inside.ask("POST /_sim/clock", {"move_days": 3})
    assert customer_id in active()


def test_switches_tell_their_choices(inside: Inside) -> None:
    inside.ask("POST /_sim/switches", {"held_alias": "move"})

    _status, answer = inside.ask("GET /_sim/switches")

    assert answer["switches"]["held_alias"] == "move"
    assert answer["choices"]["held_alias"] == ["refuse", "move"]


def test_a_page_of_another_site_is_refused(inside: Inside) -> None:
    request = inside.request("POST /_sim/reset")
    request.headers |= {"origin": "https://example.invalid", "host": "127.0.0.1:8790"}

    reply = asyncio.run(inside.service.answer(request)).reply

    assert reply.status == 403
    assert inside.service.worlds["main"] is inside.world


class Page(HTMLParser):
    """The tags and texts of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self, tag: str, name: str) -> list[str | None]:
        return [found.get(name) for each, found in self.tags if each == tag]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8790", 200),
        ("[::1]:8790", 200),
        ("localhost:8790", 200),
        ("simulator", 200),
        ("evil.example:8790", 403),
        ("127.0.0.1.evil.example", 403),
    ],
)
def test_a_name_that_was_made_to_lead_here_opens_nothing(inside: Inside, host: str, status: int) -> None:
    request = inside.request("GET /_sim/snapshot")
    request.headers |= {"host": host, "origin": f"http://{host}"}

    assert asyncio.run(inside.service.answer(request)).reply.status == status


def test_what_somebody_else_changed_is_answered_with_json(inside: Inside) -> None:
    customer = next(iter(inside.world.customers))
    body = {"what": "set_ingest_aliases", "customer_id": customer, "body": {"ingest_aliases": ["theirs"]}}

    assert inside.ask("POST /_sim/change", body) == (200, {})


def test_a_customer_is_archived_by_its_id_alone_and_on_the_page(inside: Inside) -> None:
    first, second = list(inside.world.customers)[:2]

    assert inside.ask("POST /_sim/change", {"what": "archive", "customer_id": first})[0] == 200
    assert submit(inside, "archive", customer_id=second)[0] == 303

    assert all(inside.world.customers[each]["archived_at"] for each in (first, second))


def shown(inside: Inside, **query: str) -> Page:
    reply = inside.answer("GET /_sim/", **query).reply
    assert (reply.status, reply.content_type) == (200, "text/html; charset=utf-8")
    return Page(reply.payload())


def submit(inside: Inside, form: str, **fields: str) -> tuple[int, bytes]:
    reply = inside.answer(f"POST /_sim/page/{form}", urlencode(fields).encode()).reply
    return reply.status, reply.payload()


def test_the_page_shows_hostile_names_as_text_and_loads_nothing(inside: Inside) -> None:
    page = shown(inside, q="alert", told=XSS)

    assert XSS in page.values("input", "value")
    assert {tag for tag, _attributes in page.tags}.isdisjoint({"script", "img", "link", "iframe", "object"})
    assert not any(name.startswith("on") for _tag, found in page.tags for name in found)
    policy = inside.answer("GET /_sim/").reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_every_field_of_the_page_has_a_label(inside: Inside) -> None:
    page = inside.answer("GET /_sim").reply.payload().decode()

    for piece in page.split("<input ")[1:] + page.split("<select ")[1:]:
        before = page[: page.index(piece)]
        assert 'type="hidden"' in piece.split(">")[0] or before.rfind("<label") > before.rfind("</label>")


def test_a_customer_is_renamed_on_the_page_by_somebody_else(inside: Inside) -> None:
    customer_id = inside.world.customer_order[0]

    assert submit(inside, "rename", customer_id=customer_id, name=XSS) == (303, b"")
    assert inside.world.customers[customer_id]["name"] == XSS
    assert inside.world.effects[0]["actor"] == "Somebody else"


def test_a_fault_is_set_and_cleared_on_the_page(inside: Inside) -> None:
    fields = {
        "kind": "status_before",
        "route": "GET /v1/plans",
        "count": "",
        "percent": "50",
        "status": "503",
    }

    assert submit(inside, "fault", **fields)[0] == 303
    (fault,) = inside.service.faults.active
    assert (fault.count, fault.probability, fault.status) == (None, 0.5, 503)
    assert submit(inside, "faults-clear")[0] == 303
    assert inside.service.faults.active == []


def test_the_clock_is_moved_set_and_frozen_on_the_page(inside: Inside) -> None:
    submit(inside, "clock", do="set", at="2031-05-01T10:30")
    submit(inside, "clock", do="freeze")
    submit(inside, "clock", do="move", days="2")

    assert inside.world.stamp().startswith("2031-05-03T10:30:0")
    assert submit(inside, "clock", do="run")[0] == 303
    assert inside.world.clock["frozen_at"] is None


@pytest.mark.parametrize(
    ("form", "fields", "words"),
    [
        ("fault", {"kind": "flood", "route": "*"}, b"kind must be one of"),
        ("fault", {"kind": "html", "route": "*", "count": "often"}, b"count must be a number, not often"),
        ("clock", {"do": "set", "at": XSS}, b"at must be an RFC 3339 timestamp"),
        ("clock", {"do": "stop"}, b"The clock can be set, moved, frozen or run"),
        ("rename", {"customer_id": "x", "name": "y"}, b"customer_id must be a valid UUID"),
        ("rename", {}, b"The form wasn&#x27;t filled in."),
    ],
)
def test_a_form_that_makes_no_sense_shows_the_page_with_the_sentence(
    inside: Inside, form: str, fields: dict[str, str], words: bytes
) -> None:
    status, content = submit(inside, form, **fields)

    assert status == 400
    assert words in content
    assert inside.world.effects == []
