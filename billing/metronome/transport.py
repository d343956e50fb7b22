"""One request over a fresh connection under a total deadline, judged by nobody yet.

httpx counts its time-outs per read, so a server that dribbles could hold a request for as long as it likes;
the deadline here is around everything, the body included. Bodies are capped.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from metronome import APIConnectionError, APIStatusError, AsyncMetronome

from billing.metronome.config import GatewayConfig
from billing.metronome.outcomes import KEPT_BODY, KEPT_HEADERS, Evidence, storable

LARGEST_BODY = 32 * 1024 * 1024
USER_TIMEOUT_MS = 15_000


class BodyTooLarge(httpx.ReadError):
    """The answer went on for longer than anything Metronome documents."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A whole answer: status, bytes, and its evidence."""

    status: int
    body: bytes
    evidence: Evidence
    headers: httpx.Headers


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No whole answer. `connected` False: no connection was made, so no byte left. `words` are for people."""

    connected: bool
    words: str
    evidence: Evidence


class _CappedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > LARGEST_BODY:
                raise BodyTooLarge(f"the body is longer than {LARGEST_BODY:,} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


@functools.cache
def certificates() -> ssl.SSLContext:
    """Whom we trust, read once a process: reading it takes longer than the rest of a request."""
    return httpx.create_ssl_context(trust_env=False)


class CappedTransport(httpx.AsyncHTTPTransport):
    """httpx' own transport whose bodies end, and whose dead peers are noticed."""

    def __init__(self, **options: Any) -> None:
        sockets = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sockets.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS))
        super().__init__(retries=0, trust_env=False, verify=certificates(), socket_options=sockets, **options)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        response.stream = _CappedStream(response.stream)
        return response


async def exchange(
    config: GatewayConfig,
    method: str,
    path: str,
    *,
    body: dict[str, Any] | None,
    query: dict[str, Any] | None,
    headers: dict[str, str],
    deadline_seconds: float,
) -> RawAnswer | NoAnswer:
    """Send one request through the official SDK on a fresh client and return what came back."""
    started = datetime.now(UTC)
    try:
        async with asyncio.timeout(deadline_seconds):
            async with (
                httpx.AsyncClient(
                    transport=CappedTransport(),
                    trust_env=False,
                    follow_redirects=False,
                    timeout=httpx.Timeout(deadline_seconds, connect=min(5.0, deadline_seconds)),
                ) as http,
                AsyncMetronome(
                    base_url=config.base_url,
                    bearer_token=config.bearer_token,
                    max_retries=0,
                    http_client=http,
                    default_headers=headers,
                    timeout=deadline_seconds,
                ) as client,
            ):
                try:
                    response = await _send(client, method, path, body, query)
                except APIStatusError as answered:
                    response = answered.response
                content = await response.aread()
    except TimeoutError:
        words = f"no whole answer within {deadline_seconds:g} s"
        return NoAnswer(True, words, _evidence(started, error=words))
    except APIConnectionError as problem:
        cause = problem.__cause__ or problem
        never = isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        return _broken(started, cause, connected=not never)
    except httpx.HTTPError as problem:  # the head of an answer was there already, so bytes had left
        return _broken(started, problem, connected=True)
    text = content[: KEPT_BODY * 4].decode("utf-8", errors="replace")
    evidence = _evidence(started, status=response.status_code, body=text, headers=response.headers)
    return RawAnswer(response.status_code, content, evidence, response.headers)


def _broken(started: datetime, cause: BaseException, *, connected: bool) -> NoAnswer:
    if not connected:
        words = "no connection could be made"
    elif isinstance(cause, httpx.TimeoutException):
        words = "the answer stopped half-way"
    elif isinstance(cause, httpx.DecodingError):
        words = "the answer could not be decoded"
    elif isinstance(cause, BodyTooLarge):
        words = str(cause)
    else:
        words = "the connection broke before a whole answer was there"
    return NoAnswer(connected, words, _evidence(started, error=f"{type(cause).__name__}: {cause}"))


async def _send(
    client: AsyncMetronome, method: str, path: str, body: dict[str, Any] | None, query: dict[str, Any] | None
) -> httpx.Response:
    options: Any = {"params": query or {}, "max_retries": 0}
    if method == "GET":
        return await client.get(path, cast_to=httpx.Response, options=options)
    if method == "POST":
        return await client.post(path, cast_to=httpx.Response, body=body, options=options)
    raise ValueError(f"{method} is not used by any operation")


def _evidence(
    started: datetime,
    *,
    status: int | None = None,
    body: str = "",
    headers: httpx.Headers | None = None,
    error: str = "",
) -> Evidence:
    kept = {name: storable(headers[name])[:400] for name in KEPT_HEADERS if headers and name in headers}
    return Evidence(
        status=status,
        body=storable(body[:KEPT_BODY]),
        headers=kept,
        error=storable(error)[:1_000],
        started_at=started,
        finished_at=datetime.now(UTC),
    )
