"""An address that takes webhooks and answers what a test wants."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from simulator.webhooks import sign


@dataclass
class Delivery:
    """One request as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        date = self.headers["x-metronome-date"]
        return self.headers["metronome-webhook-signature"] == sign(secret, date, self.body)


class Receiver:
    """Keeps what came in; answers each of `statuses` once, then 200."""

    def __init__(self, port: int, statuses: list[int], came: queue.Queue[Delivery]) -> None:
        self.url = f"http://127.0.0.1:{port}/hooks"
        self.statuses, self._came = statuses, came

    def next(self) -> Delivery:
        """The next delivery, waited for."""
        return self._came.get(timeout=10)

    def payloads(self, number: int) -> list[dict[str, Any]]:
        """The payloads of the next so many."""
        return [self.next().payload for _ in range(number)]

    def flat(self, number: int) -> list[dict[str, Any]]:
        """The next so many system and offset notifications; invoices may be told in between."""
        found: list[dict[str, Any]] = []
        while len(found) < number:
            payload = self.next().payload
            if "properties" not in payload:
                found.append(payload)
        return found

    def is_quiet(self) -> bool:
        """Whether everything that came was looked at."""
        return self._came.empty()


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver while the block runs."""
    came: queue.Queue[Delivery] = queue.Queue()
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.put(Delivery({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Receiver(server.server_port, statuses, came)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
