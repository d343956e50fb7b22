"""Reads over connections that are kept, by whatever thread asks: no object of the SDK, no event loop.

A socket's time-outs count per read, so a server that dribbles could hold a request for as long as it likes;
here every wait ends with what is left of the request's own time.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpcore

CONNECT_SECONDS = 5.0


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends with the time of the request that it serves."""

    def __init__(self, stream: httpcore.NetworkStream, left: Callable[[], float]) -> None:
        self._stream = stream
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if (left := self._left()) <= 0:
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if (left := self._left()) <= 0:
            raise httpcore.WriteTimeout
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._left()), self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, left: Callable[[], float]) -> None:
        self._backend = httpcore.SyncBackend()
        self._left = left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        seconds = min(CONNECT_SECONDS, self._left())
        stream = self._backend.connect_tcp(host, port, seconds, local_address, socket_options)
        return _Stream(stream, self._left)


class TooLarge(Exception):
    """The answer went on for longer than anything Metronome documents."""


class Undecodable(Exception):
    """The answer is packed in a way that was not asked for."""


class Answered(NamedTuple):
    """A whole answer as it came."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Reader:
    """Reads of one account. Safe to share between threads; connections stay open while they are used."""

    def __init__(
        self,
        base_url: str,
        bearer_token: str,
        trusted: ssl.SSLContext,
        *,
        kept_seconds: float,
        most_bytes: int,
        sockets: list[tuple[int, int, int]],
    ) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {"Accept": "application/json", "Authorization": f"Bearer {bearer_token}"}
        self._most_bytes = most_bytes
        self._of_this_thread = threading.local()
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted,
            max_connections=None,
            keepalive_expiry=kept_seconds,
            network_backend=_Backend(self._left),
            socket_options=sockets,
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None,
        query: dict[str, Any],
        headers: dict[str, str],
        deadline_seconds: float,
    ) -> Answered:
        """The whole answer within the deadline. Raises httpcore's own errors, TooLarge or Undecodable."""
        self._of_this_thread.until = time.monotonic() + deadline_seconds
        url = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        sent = None if body is None else json.dumps(body).encode()
        kind = {} if sent is None else {"Content-Type": "application/json"}
        every = {**self._headers, **kind, **headers}
        with self._pool.stream(method, url, headers=every, content=sent) as response:
            chunks, size = [], 0
            for chunk in response.iter_stream():
                size += len(chunk)
                if size > self._most_bytes:
                    raise TooLarge(f"the body is longer than {self._most_bytes:,} bytes")
                chunks.append(chunk)
        named = {name.lower(): value for name, value in response.headers}
        packed = named.get(b"content-encoding", b"identity")
        if packed != b"identity":
            raise Undecodable(f"the body is packed by {packed.decode(errors='replace')}")
        return Answered(response.status, response.headers, b"".join(chunks))

    def close(self) -> None:
        """End the connections; a request after this makes new ones."""
        self._pool.close()

    def _left(self) -> float:
        return self._of_this_thread.until - time.monotonic()
