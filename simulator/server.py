"""HTTP/1.1 on asyncio and h11, so that a fault can reach below HTTP: drop a connection, dribble a head."""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from http import HTTPStatus
from urllib.parse import parse_qsl

import h11

from simulator.http import Reply, Request
from simulator.service import Answer, Service

LARGEST_BODY = 16 * 1024 * 1024
LARGEST_SNAPSHOT = 2 * 1024 * 1024 * 1024
BODILESS = (204, 304)
WHOLE_URL = re.compile("^https?://[^/]*", re.IGNORECASE)  # the form of a target that a proxy is asked for


class TooLarge(Exception):
    """A body that nobody means."""


async def serve_connection(
    service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer requests on one connection until it closes."""
    connection = h11.Connection(h11.SERVER)
    try:
        while True:
            request = await _next_request(connection, reader, writer)
            if request is None:
                return
            # the work goes on even if the caller goes away meanwhile: a late arrival is still an arrival
            answer = await service.answer(request)
            if answer.manner == "drop":
                writer.transport.abort()
                return
            await _send(connection, writer, answer, request.request_id, bare=request.method == "HEAD")
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()
    except (h11.RemoteProtocolError, TooLarge) as problem:
        with contextlib.suppress(ConnectionError):
            await _refuse(connection, writer, problem)
    except (ConnectionError, asyncio.CancelledError):
        return  # a caller that leaves, or the end of the server
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _next_request(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                await _write(writer, connection.send(go_on), 0.0)
            connection.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > (LARGEST_SNAPSHOT if head.target.startswith(b"/_sim/") else LARGEST_BODY):
                raise TooLarge
        elif isinstance(event, h11.EndOfMessage):
            return _request(head, bytes(body))
        else:
            return None


def _request(head: h11.Request, body: bytes) -> Request:
    target = WHOLE_URL.sub("", head.target.decode("ascii", errors="replace"))
    path, _, after = target.partition("?")
    query: dict[str, str] = {}
    for name, value in parse_qsl(after.partition("#")[0], keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    return Request(
        method=head.method.decode("ascii"),
        path=path,
        query=query,
        headers={name.decode().lower(): value.decode("latin-1") for name, value in head.headers},
        raw=body,
        request_id=str(uuid.uuid4()),
    )


async def _refuse(connection: h11.Connection, writer: asyncio.StreamWriter, problem: Exception) -> None:
    """Say what was wrong with bytes that make no request, if the caller can still be told."""
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    reply = Reply(413, {"message": "Request body is too large"}, {"connection": "close"})
    if isinstance(problem, h11.RemoteProtocolError):
        reply.status, reply.body = problem.error_status_hint, {"message": "This is not a valid HTTP request"}
    await _send(connection, writer, Answer(reply), str(uuid.uuid4()))


async def _send(
    connection: h11.Connection,
    writer: asyncio.StreamWriter,
    answer: Answer,
    request_id: str,
    *,
    bare: bool = False,
) -> None:
    """`bare` is the answer to HEAD: a head that announces a body which doesn't come."""
    reply: Reply = answer.reply
    payload = b"" if reply.status in BODILESS else reply.payload()
    length = {} if reply.status in BODILESS else {"content-length": str(len(payload))}
    headers = {"content-type": reply.content_type, **length, "x-request-id": request_id, **reply.headers}
    head = connection.send(
        h11.Response(
            status_code=reply.status,
            headers=list(headers.items()),
            reason=HTTPStatus(reply.status).phrase if reply.status in HTTPStatus._value2member_map_ else "",
        )
    )
    await _write(writer, head, answer.seconds if answer.manner == "dribble_headers" else 0.0)
    if answer.manner == "cut_off":
        await _write(writer, connection.send(h11.Data(data=payload[: len(payload) // 2])), 0.0)
        return
    body = connection.send(h11.Data(data=b"" if bare else payload)) + connection.send(h11.EndOfMessage())
    await _write(writer, body, answer.seconds if answer.manner == "dribble_body" else 0.0)


async def _write(writer: asyncio.StreamWriter, content: bytes, seconds_a_byte: float) -> None:
    if not seconds_a_byte:
        writer.write(content)
        await writer.drain()
        return
    for position in range(len(content)):
        writer.write(content[position : position + 1])
        await writer.drain()
        await asyncio.sleep(seconds_a_byte)
