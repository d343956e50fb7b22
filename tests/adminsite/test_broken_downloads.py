"""A socket that breaks under the real server, at any moment of an export: the record says not delivered."""

from __future__ import annotations

import http.client
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from billing.audit.models import AuditEvent
from billing.mirror.resources.plan import Plan
from tests.adminsite.test_slow_clients import big_plans, cookie_of, opened
from tests.web_server import running_web

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60


@pytest.fixture
def port(transactional_db: None, static_root: Path, tmp_path: Path) -> Iterator[int]:
    with running_web(static_root, tmp_path / "web.log") as port:
        yield port


def told() -> list[tuple[str, dict[str, object]]]:
    """The end of each export on record, with its facts."""
    ends = AuditEvent.objects.filter(event_type__startswith="export.").order_by("id")
    return [(end.event_type, end.new) for end in ends]


def asked() -> int:
    return AuditEvent.objects.get(event_type="list.exported").pk


def wait_for(event: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not AuditEvent.objects.filter(event_type__startswith=event).exists():
        assert time.monotonic() < until, f"no {event} in {PATIENCE_SECONDS} s"
        time.sleep(0.05)


def torn(client: socket.socket) -> None:
    """Break the connection off, as a machine that dies does: by a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


BREAKS = {"closed": socket.socket.close, "torn": torn}


def asking(cookie: str) -> str:
    return f"GET /plans.csv HTTP/1.1\nHost: 127.0.0.1\nCookie: {cookie}\n\n"


@pytest.mark.parametrize("how", BREAKS)
def test_in_the_middle_of_the_file(port: int, how: str):
    big_plans()
    client = opened(port, asking(cookie_of("auditor", "auditor")))
    begun = client.recv(100, socket.MSG_WAITALL)

    BREAKS[how](client)

    wait_for("export.")
    assert begun.startswith(b"HTTP/1.1 200 OK\r\n")
    assert told() == [("export.cut_short", {"asked": asked(), "rows": 250})]


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("is_big", [False, True], ids=["small", "big"])
def test_before_its_first_byte(port: int, how: str, is_big: bool):
    if is_big:
        big_plans()
    else:
        Plan.objects.create(id=UUID(int=1), name="Scale", fetched_at=timezone.now())
    rows = Plan.objects.count()
    cookie = cookie_of("auditor", "auditor")
    with transaction.atomic(), connection.cursor() as cursor:
        # no file can be made until this transaction ends
        cursor.execute(f"LOCK TABLE {Plan._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        client = opened(port, asking(cookie))
        wait_for("list.exported")
        BREAKS[how](client)
        still_there(port)

    wait_for("export.")
    assert told() == [("export.cut_short", {"asked": asked(), "rows": rows})]


def still_there(port: int) -> None:
    """Ask for another page, so that what came before on the network has been seen."""
    other = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    other.request("GET", "/healthz")
    assert other.getresponse().status == 200
    other.close()
