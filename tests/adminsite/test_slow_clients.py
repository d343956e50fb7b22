"""Slow clients cost a socket each, never a page: bodies, headers and answers against the real server."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from billing.audit.models import AuditEvent
from billing.mirror.resources.plan import Plan
from billing.users import User
from tests.web_server import running_web

pytestmark = pytest.mark.django_db(transaction=True)

THREADS, SLOW, QUICK_SECONDS = 2, 20, 2.0
BODY_SECONDS = ANSWER_SECONDS = 3


@pytest.fixture
def port(transactional_db: None, static_root: Path, tmp_path: Path) -> Iterator[int]:
    """A web process with few threads and little patience."""
    with running_web(
        static_root,
        tmp_path / "web.log",
        WEB_THREADS=str(THREADS),
        BODY_SECONDS=str(BODY_SECONDS),
        ANSWER_SECONDS=str(ANSWER_SECONDS),
    ) as port:
        yield port


def cookie_of(username: str, role: str) -> str:
    """The session of a person who is signed in."""
    client = Client()
    client.force_login(User.objects.create_user(username=username, name=username, role=role))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def opened(port: int, text: str, *, takes: int = 0) -> socket.socket:
    """A connection on which this was sent; takes: bytes that it takes before it is read."""
    client = socket.socket()
    if takes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes)
    client.settimeout(30)
    client.connect(("127.0.0.1", port))
    client.sendall(text.replace("\n", "\r\n").encode())
    return client


def seconds_of(port: int, address: str, cookie: str = "") -> float:
    """How long a page takes from asking to its last byte; it has to be a good one."""
    began = time.monotonic()
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    asking.request("GET", address, headers={"Cookie": cookie})
    answer = asking.getresponse()
    answer.read()
    asking.close()
    assert answer.status == 200, address
    return time.monotonic() - began


def slowest(port: int, cookie: str) -> float:
    anonymous = ("/healthz", "/readyz", "/accounts/login/", "/static/css/tokens.css")
    seconds = [seconds_of(port, address) for address in anonymous]
    return max(*seconds, seconds_of(port, "/customers/", cookie))


def read_to_the_end(client: socket.socket) -> bytes:
    """What comes until the other side closes, however it does."""
    parts = []
    try:
        while part := client.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def big_plans() -> None:
    """Plans whose file has 25 MB."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Plan._meta.db_table} (id, name, description, custom_fields, fetched_at) "  # noqa: S608
            "SELECT gen_random_uuid(), 'Plan ' || n, repeat('description', 9000), '{}', now() "
            "FROM generate_series(1, 250) n"
        )


HEAD = "POST /accounts/login/ HTTP/1.1\nHost: 127.0.0.1\nContent-Type: application/x-www-form-urlencoded\n"
SLOW_STARTS = {
    "a body with a length": f"{HEAD}Content-Length: 1000\n\n",
    "a body in pieces": f"{HEAD}Transfer-Encoding: chunked\n\n",
    "a body with GET": "GET /accounts/login/ HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 1000\n\n",
    "a body for liveness": "GET /healthz HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 1000\n\n",
}


def test_bodies_that_trickle_keep_nobody_waiting_and_end_in_their_time(port: int):
    cookie = cookie_of("auditor", "auditor")
    over = threading.Event()
    with ExitStack() as stack:
        began = time.monotonic()
        clients = [
            (stack.enter_context(opened(port, start)), b"1\r\na\r\n" if "chunked" in start else b"a")
            for start in SLOW_STARTS.values()
            for _each in range(SLOW // len(SLOW_STARTS))
        ]
        trickling = threading.Thread(target=trickle, args=(clients, over))
        trickling.start()
        try:
            assert slowest(port, cookie) < QUICK_SECONDS
            answers = [read_to_the_end(client) for client, _piece in clients]
        finally:
            over.set()
            trickling.join()
        lasted = time.monotonic() - began
    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}
    assert all(answer.endswith(b"didn't arrive within 3 s. Nothing was done.") for answer in answers)
    assert lasted < BODY_SECONDS + QUICK_SECONDS
    assert slowest(port, cookie) < QUICK_SECONDS


def trickle(clients: list[tuple[socket.socket, bytes]], over: threading.Event) -> None:
    """Its piece a second from each, as long as the other side listens."""
    while not over.wait(1.0):
        for client, piece in clients:
            try:
                client.sendall(piece)
            except OSError:
                continue


def test_slow_readers_keep_nobody_waiting_and_end_in_their_time_as_not_delivered(port: int):
    big_plans()
    cookie = cookie_of("auditor", "auditor")
    request = f"GET /plans.csv HTTP/1.1\nHost: 127.0.0.1\nCookie: {cookie}\n\n"
    with ExitStack() as stack:
        clients = [stack.enter_context(opened(port, request, takes=4096)) for _each in range(SLOW)]
        assert slowest(port, cookie) < QUICK_SECONDS
        assert all(client.recv(1) == b"H" for client in clients)
        assert slowest(port, cookie) < QUICK_SECONDS
        until = time.monotonic() + ANSWER_SECONDS + 10
        while ends("export.cut_short") < SLOW and time.monotonic() < until:
            time.sleep(0.1)
        # what is still in buffers comes, and then the connection ends before the length that was announced
        assert len(read_to_the_end(clients[0])) < 5_000_000
    assert (ends("export.cut_short"), ends("export.delivered")) == (SLOW, 0)


def test_a_reader_who_leaves_in_the_middle_is_on_record_as_not_delivered(port: int):
    big_plans()
    cookie = cookie_of("auditor", "auditor")
    with opened(port, f"GET /plans.csv HTTP/1.1\nHost: 127.0.0.1\nCookie: {cookie}\n\n") as client:
        assert len(client.recv(100)) == 100
    until = time.monotonic() + ANSWER_SECONDS - 1
    while not ends("export.cut_short") and time.monotonic() < until:
        time.sleep(0.1)
    assert (ends("export.cut_short"), ends("export.delivered")) == (1, 0)


def test_a_file_that_is_taken_is_whole_and_on_record_as_delivered(port: int):
    big_plans()
    cookie = cookie_of("auditor", "auditor")
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    asking.request("GET", "/plans.csv", headers={"Cookie": cookie})
    answer = asking.getresponse()
    text = answer.read()
    asking.close()

    assert len(text) == int(answer.headers["Content-Length"]) > 24_000_000
    assert text.count(b"\n") == int(answer.headers["Countersign-Rows"]) + 1 == 251
    until = time.monotonic() + 5
    while not ends("export.delivered") and time.monotonic() < until:
        time.sleep(0.05)
    assert (ends("export.cut_short"), ends("export.delivered")) == (0, 1)


def ends(event: str) -> int:
    return AuditEvent.objects.filter(event_type=event).count()


def test_idle_connections_and_unfinished_headers_keep_nobody_waiting(port: int):
    cookie = cookie_of("auditor", "auditor")
    with ExitStack() as stack:
        for text in ("", "GET / HTTP/1.1\nHost: 127.0.0.1\nX-Slow: "):
            for _each in range(100):
                stack.enter_context(opened(port, text))
        assert slowest(port, cookie) < QUICK_SECONDS
