"""Whatever is sent, there is an answer, and it is none of the simulator's own failures.

2,000 requests in process and 100 over HTTP; COUNTERSIGN_FUZZ=20000 sends so many,
COUNTERSIGN_FUZZ_SEED=2 sends others.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from simulator.checks import rfc3339
from simulator.http import Request, Token
from simulator.running import TOKEN, RunningSimulator
from simulator.seed import seeded
from simulator.service import Service
from simulator.tests.fuzzing import HOSTILE, HOSTILE_TEXTS, Dice, target_of

REQUESTS = int(os.environ.get("COUNTERSIGN_FUZZ", "2000"))
SEED = int(os.environ.get("COUNTERSIGN_FUZZ_SEED", "1"))
# Observed at the real service, so the simulator does the same: an unknown customer here is a 500.
OBSERVED_500 = "POST /v1/setCustomerBillingProviderConfigurations"
START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def connection(simulator: RunningSimulator) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=30)) as one:
        yield one


def complaint(route: str, status: int, content_type: str, body: bytes) -> str:
    """What is wrong with an answer; nothing for a good one."""
    if status == 500 and route == OBSERVED_500 and b"Unexpected internal error" in body:
        return ""
    if status not in (200, 400, 401, 403, 404, 405, 409, 413, 422):
        return f"status {status}"
    if status == 200:
        if content_type == "application/json" and body:
            orjson.loads(body)
        return ""
    refusal = orjson.loads(body)
    if not (isinstance(refusal, dict) and isinstance(refusal.get("message"), str) and refusal["message"]):
        return f"undocumented error body {body[:200]!r}"
    return ""


def test_no_request_brings_a_failure_of_the_simulators_own(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(
        {TOKEN: Token("main", "Fuzz")}, make_world=lambda: seeded(customers=40, plans=4, seed=SEED)
    )
    world = service.worlds["main"]
    dice, wrong = Dice(SEED, world.snapshot()), []

    async def send_all() -> None:
        for number in range(REQUESTS):
            if number % 100 == 0:  # contracts begin and end, invoices are closed
                world.clock["frozen_at"] = rfc3339(START + timedelta(hours=number * 2.5))
            route, method, path, query, body = dice.request()
            headers = {"authorization": f"Bearer {TOKEN}"} | (
                {} if number % 7 else {"idempotency-key": f"k{number}"}
            )
            request = Request(method, path, query, headers, body, str(number))
            caplog.clear()
            reply = (await service.answer(request)).reply
            if words := complaint(request.route, reply.status, reply.content_type, reply.payload()):
                trace = (caplog.records[-1].exc_text or "") if caplog.records else ""
                wrong.append(f"{number} {route.name} {query} {body[:1500]!r}: {words}\n{trace[-1500:]}")
            elif reply.status == 200 and reply.content_type == "application/json" and reply.payload():
                dice.accepted(route, orjson.loads(reply.payload()))

    with caplog.at_level(logging.ERROR, "simulator"):
        asyncio.run(send_all())

    assert not wrong, f"{len(wrong)} of {REQUESTS}:\n" + "\n".join(wrong[:10])
    assert world.snapshot() == orjson.loads(orjson.dumps(world.snapshot()))


def test_no_request_over_http_goes_without_an_answer(
    simulator: RunningSimulator, connection: http.client.HTTPConnection
) -> None:
    dice = Dice(SEED, simulator.control("GET", "snapshot"))
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}

    for number in range(100):
        route, method, path, query, body = dice.request()
        if number % 10 == 0:
            method = dice.random.choice(["HEAD", "OPTIONS", "TRACE", "PATCH", "PUT", "DELETE", "BREW"])
        connection.request(method, target_of(path, query), body or None, headers)
        answer = connection.getresponse()
        content, kind = answer.read(), answer.headers["content-type"]
        assert method == "HEAD" or not complaint(route.name, answer.status, kind, content), (
            method,
            path,
            body,
        )


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET //[::1 HTTP/1.1\r\nHost: x\r\n\r\n", 401),
        (b"GET /_sim/ledger?since=%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://metronome.invalid/v1/plans HTTP/1.1\r\nHost: x\r\n\r\n", 401),
        (b"POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", 431),
    ],
)
def test_bytes_that_are_no_request_are_told_so(simulator: RunningSimulator, sent: bytes, status: int) -> None:
    address = urlsplit(simulator.url)
    with socket.create_connection((address.hostname, address.port), 10) as caller:
        caller.sendall(sent)
        answer = http.client.HTTPResponse(caller)
        answer.begin()
        body = answer.read()

    assert answer.status == status
    assert isinstance(orjson.loads(body)["message"], str)


def test_no_word_to_the_control_plane_brings_a_failure(connection: http.client.HTTPConnection) -> None:
    addresses = ["POST reset", "POST seed", "POST restore", "POST faults", "POST switches", "POST clock"]
    addresses += ["POST latency", "POST rate", "POST trial", "POST change", "DELETE faults/x", "GET ledger"]
    fields = [
        "customers",
        "route",
        "kind",
        "at",
        "move_days",
        "offset_seconds",
        "seconds",
        "what",
        "main",
        "ids",
    ]
    dice = Dice(SEED, {"data": [{"id": "x"}]}).random
    known: list[Any] = [{"route": "*", "kind": "html"}, {"what": "create"}, {"what": "rename", "body": []}]

    for _number in range(300):
        method, address = dice.choice(addresses).split(" ")
        given = dice.choice([*known, {dice.choice(fields): dice.choice(HOSTILE)}, dice.choice(HOSTILE)])
        query = target_of("", {dice.choice(["account", "since"]): dice.choice(HOSTILE_TEXTS)})
        body = orjson.dumps(given) if dice.random() < 0.9 else b"{"
        connection.request(method, f"/_sim/{address}{query if dice.random() < 0.3 else ''}", body)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 400, 404, 409), (address, given, content)
        assert answer.status == 200 or orjson.loads(content)["message"]
        if answer.status == 200 and address == "latency":
            connection.request("POST", "/_sim/latency", b'{"seconds":0}')
            connection.getresponse().read()
