"""HTTP/1.1 on asyncio and h11, so that a fault can reach below HTTP: drop a connection, dribble a head."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import h11

from simulator.http import Reply, Request
from simulator.service import Answer, Service

LARGEST_BODY = 16 * 1024 * 1024


async def serve_connection(
    service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer requests on one connection until it closes."""
    connection = h11.Connection(h11.SERVER)
    try:
        while True:
            request = await _next_request(connection, reader)
            if request is None:
                return
            # the work goes on even if the caller goes away meanwhile: a late arrival is still an arrival
            answer = await service.answer(request)
            if answer.manner == "drop":
                writer.transport.abort()
                return
            await _send(connection, writer, answer, request.request_id)
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()
    except (h11.RemoteProtocolError, ConnectionError, asyncio.CancelledError):
        return  # a caller that breaks the protocol or leaves, or the end of the server
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LARGEST_BODY:
                return None
        elif isinstance(event, h11.EndOfMessage):
            return _request(head, bytes(body))
        else:
            return None


def _request(head: h11.Request, body: bytes) -> Request:
    target = urlsplit(head.target.decode("ascii", errors="replace"))
    query: dict[str, str] = {}
    for name, value in parse_qsl(target.query, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    return Request(
        method=head.method.decode("ascii"),
        path=target.path,
        query=query,
        headers={name.decode().lower(): value.decode("latin-1") for name, value in head.headers},
        raw=body,
        request_id=str(uuid.uuid4()),
    )


async def _send(
    connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer, request_id: str
) -> None:
    reply: Reply = answer.reply
    payload = reply.payload()
    headers = {
        "content-type": reply.content_type,
        "content-length": str(len(payload)),
        "x-request-id": request_id,
        **reply.headers,
    }
    head = connection.send(
        h11.Response(
            status_code=reply.status,
            headers=list(headers.items()),
            reason=HTTPStatus(reply.status).phrase if reply.status in HTTPStatus._value2member_map_ else "",
        )
    )
    body = connection.send(h11.Data(data=payload)) + connection.send(h11.EndOfMessage())
    await _write(writer, head, answer.seconds if answer.manner == "dribble_headers" else 0.0)
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
