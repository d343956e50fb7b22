"""One request under a total deadline, a write over a fresh connection, judged by nobody yet.

httpx counts its time-outs per read, so a server that dribbles could hold a request for as long as it likes;
the deadline here is around everything, the body included. Bodies are capped.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpcore
import httpx
from metronome import APIConnectionError, APIStatusError, AsyncMetronome

from billing.metronome.config import GatewayConfig
from billing.metronome.outcomes import KEPT_BODY, KEPT_HEADERS, Evidence, storable
from billing.metronome.reading import Reader, TooLarge, Undecodable

LARGEST_BODY = 32 * 1024 * 1024
USER_TIMEOUT_MS = 15_000
KEPT_SECONDS = 3.0
"""How long a connection of reads stays open unused: less than servers keep one, which is 5 s or more."""


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


def sockets() -> list[tuple[int, int, int]]:
    """How a connection's socket is set, so that a dead peer is noticed."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS))
    return options


class CappedTransport(httpx.AsyncHTTPTransport):
    """httpx' own transport whose bodies end, and whose dead peers are noticed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            retries=0, trust_env=False, verify=certificates(), socket_options=sockets(), **options
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        response.stream = _CappedStream(response.stream)
        return response


class Wire:
    """The requests of one account, from any thread.

    Reads share connections that are kept between them. Every write goes through the official SDK over a fresh
    one, in an event loop whose thread begins with the first.
    """

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._begun = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._reader: Reader | None = None

    def exchange(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None,
        query: dict[str, Any] | None,
        headers: dict[str, str],
        deadline_seconds: float,
        keeps: bool,
    ) -> RawAnswer | NoAnswer:
        """Send one request and return what came back.

        keeps: a read, over a connection that is kept; else through the official SDK over a fresh one.
        """
        if keeps:
            return self._read(method, path, body, query or {}, headers, deadline_seconds)
        options = {
            "params": query or {},
            "headers": headers,
            "max_retries": 0,
            "timeout": httpx.Timeout(deadline_seconds, connect=min(5.0, deadline_seconds)),
        }
        return self._in_loop(self._ask(method, path, body, options, deadline_seconds))

    def close(self) -> None:
        """End the connections and the thread; a request after this begins anew."""
        with self._begun:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    def _in_loop(self, asked: Coroutine[Any, Any, RawAnswer | NoAnswer]) -> RawAnswer | NoAnswer:
        with self._begun:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name="metronome", daemon=True
                )
                self._thread.start()
            answer = asyncio.run_coroutine_threadsafe(asked, self._loop)
        try:
            return answer.result()
        finally:
            answer.cancel()  # whoever stops waiting, by a signal say, stops the request too

    def _kept(self) -> Reader:
        with self._begun:
            if self._reader is None:
                self._reader = Reader(
                    self._config.base_url,
                    self._config.bearer_token,
                    certificates(),
                    kept_seconds=KEPT_SECONDS,
                    most_bytes=LARGEST_BODY,
                    sockets=sockets(),
                )
            return self._reader

    def _read(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        query: dict[str, Any],
        headers: dict[str, str],
        deadline_seconds: float,
    ) -> RawAnswer | NoAnswer:
        started = datetime.now(UTC)
        try:
            answer = self._kept().ask(
                method, path, body=body, query=query, headers=headers, deadline_seconds=deadline_seconds
            )
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
            return _broken(started, problem, connected=False)
        except httpcore.TimeoutException:
            words = f"no whole answer within {deadline_seconds:g} s"
            return NoAnswer(True, words, _evidence(started, error=words))
        except (httpcore.NetworkError, httpcore.ProtocolError, TooLarge, Undecodable) as problem:
            return _broken(started, problem, connected=True)
        text = answer.body[: KEPT_BODY * 4].decode("utf-8", errors="replace")
        found = httpx.Headers(answer.headers)
        evidence = _evidence(started, status=answer.status, body=text, headers=found)
        return RawAnswer(answer.status, answer.body, evidence, found)

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        options: Any,
        deadline_seconds: float,
    ) -> RawAnswer | NoAnswer:
        started = datetime.now(UTC)
        try:
            async with asyncio.timeout(deadline_seconds), self._fresh() as client:
                try:
                    response = await _send(client, method, path, body, options)
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

    def _fresh(self) -> AsyncMetronome:
        """A client without connections yet."""
        transport = CappedTransport()
        return AsyncMetronome(
            base_url=self._config.base_url,
            bearer_token=self._config.bearer_token,
            max_retries=0,
            http_client=httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False),
        )


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """What the thread does until the loop is stopped."""
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _broken(started: datetime, cause: BaseException, *, connected: bool) -> NoAnswer:
    if not connected:
        words = "no connection could be made"
    elif isinstance(cause, httpx.TimeoutException):
        words = "the answer stopped half-way"
    elif isinstance(cause, httpx.DecodingError | Undecodable):
        words = "the answer could not be decoded"
    elif isinstance(cause, BodyTooLarge | TooLarge):
        words = str(cause)
    else:
        words = "the connection broke before a whole answer was there"
    return NoAnswer(connected, words, _evidence(started, error=f"{type(cause).__name__}: {cause}"))


async def _send(
    client: AsyncMetronome, method: str, path: str, body: dict[str, Any] | None, options: Any
) -> httpx.Response:
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
