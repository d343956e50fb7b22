"""Measure what the simulator sustains over one kept-alive connection, beside a bare answer of the same loop.

The bare answer is a 401: a request is read, nothing is looked up and 26 bytes are sent. So the ratios tell
what the work itself costs, whatever the machine is like.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

REQUESTS = 2_000
EVENTS = 100
SIZES = (2_500, 100_000)
ROOT = Path(__file__).resolve().parent.parent


class Caller:
    """A client that costs next to nothing: it reads a status and a body, and no more."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def ask(self, request: bytes) -> tuple[int, bytes]:
        self._socket.sendall(request)
        status, length = int(self._file.readline().split()[1]), 0
        while (line := self._file.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name == b"content-length":
                length = int(value)
        return status, self._file.read(length)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def request(target: str, body: object = None, *, key: str = "", bare: bool = False) -> bytes:
    """A GET, or a POST where there is a body; a bare one carries no token."""
    sent = b"" if body is None else orjson.dumps(body)
    lines = [f"{'GET' if body is None else 'POST'} {target} HTTP/1.1", "Host: bench"]
    lines += [] if bare else ["Authorization: Bearer simulator-token"]
    lines += [f"Idempotency-Key: {key}"] if key else []
    lines += [f"Content-Length: {len(sent)}"] if sent else []
    return "\r\n".join([*lines, "", ""]).encode() + sent


@contextlib.contextmanager
def running(customers: int) -> Iterator[tuple[Caller, float]]:
    """A simulator of its own, and the seconds until its first answer."""
    with tempfile.TemporaryDirectory() as folder:
        port_file, began = Path(folder, "port"), time.perf_counter()
        words = ["--port=0", f"--port-file={port_file}", f"--customers={customers}"]
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", *words], cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ
        )
        try:
            while not port_file.exists() or not port_file.read_text():
                if process.poll() is not None:
                    raise SystemExit(f"the simulator ended with {process.returncode}")
                time.sleep(0.005)
            with contextlib.closing(Caller(int(port_file.read_text()))) as caller:
                caller.ask(request("/v1/customers?limit=1"))
                yield caller, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(30)


def per_second(caller: Caller, make: Callable[[int], bytes], count: int) -> float:
    """Requests answered in a second, one after the other."""
    requests = [make(number) for number in range(count)]
    began = time.perf_counter()
    statuses = {caller.ask(each)[0] for each in requests}
    elapsed = time.perf_counter() - began
    if statuses not in ({200}, {401}):
        raise SystemExit(f"answers {statuses}")
    return count / elapsed


def main() -> None:
    """Start one of each size, ask the smaller one, and print two tables."""
    with running(SIZES[0]) as (caller, seconds):
        starts = {SIZES[0]: seconds}
        rows = orjson.loads(caller.ask(request("/v1/customers"))[1])["data"]
        ids, numbers = [row["id"] for row in rows], itertools.count()
        at = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"

        def events(number: int) -> list[dict[str, object]]:
            event = {"customer_id": ids[number % len(ids)], "event_type": "call", "timestamp": at}
            return [event | {"transaction_id": str(next(numbers))} for _each in range(EVENTS)]

        def path(number: int) -> str:
            return f"/v1/customers/{ids[number % len(ids)]}"

        kinds: dict[str, tuple[Callable[[int], bytes], int]] = {
            "bare 401": (lambda number: request(path(number), bare=True), REQUESTS),
            "GET a customer": (lambda number: request(path(number)), REQUESTS),
            "GET 100 customers": (lambda _number: request("/v1/customers?limit=100"), REQUESTS),
            "setName, with a key": (
                lambda number: request(f"{path(number)}/setName", {"name": f"N {number}"}, key=f"k{number}"),
                REQUESTS,
            ),
            f"ingest of {EVENTS} events": (
                lambda number: request("/v1/ingest", events(number)),
                REQUESTS // 10,
            ),
        }
        rates = {name: per_second(caller, make, count) for name, (make, count) in kinds.items()}
    for size in SIZES[1:]:
        with running(size) as (_caller, starts[size]):
            pass
    sys.stdout.write(f"\nsimulator with {SIZES[0]:,} customers, one connection\n")
    sys.stdout.write(f"{'':22}{'a second':>10}{'of bare':>10}\n")
    for name, rate in rates.items():
        sys.stdout.write(f"{name:22}{rate:10,.0f}{rate / rates['bare 401']:10.2f}\n")
    for size, seconds in starts.items():
        sys.stdout.write(f"first answer with {size:,} customers: {seconds:.1f} s\n")


if __name__ == "__main__":
    main()
