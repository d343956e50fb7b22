"""What the application is asked, and what goes out, through the layer between it and the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from adminsite.serving import Lane, PatientServer, environ_of

SCOPE = {
    "type": "http",
    "method": "POST",
    "raw_path": b"/na%C3%AFve/%FF",
    "path": "/naïve/\ufffd",
    "query_string": b"a=%20b",
    "http_version": "1.1",
    "scheme": "http",
    "client": ("192.0.2.7", 5000),
    "server": ("127.0.0.1", 8000),
    "headers": [],
}
MOST = 100


def asked(
    parts: list[bytes], headers: list[tuple[bytes, bytes]], answers: Callable[..., Any] | None = None
) -> tuple[list[tuple[dict[str, Any], bytes]], list[dict[str, Any]]]:
    """What the application was asked (environment, body), and the messages that went out."""
    seen: list[tuple[dict[str, Any], bytes]] = []
    sent: list[dict[str, Any]] = []
    coming = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]

    def application(environ: dict[str, Any], start: Callable[..., None]) -> Any:
        seen.append((environ, environ["wsgi.input"].read()))
        start("201 Created", [("X-One", "1")])
        return [b"whole", b" page"]

    async def receive() -> dict[str, Any]:
        if not coming and parts:  # all is sent, and the client waits for its answer
            await asyncio.Event().wait()
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    server = PatientServer(
        answers or application, (Lane("", 1),), body_seconds=0.2, answer_seconds=0.2, most_bytes=MOST
    )
    asyncio.run(server({**SCOPE, "headers": headers}, receive, send))
    return seen, sent


def test_a_request_arrives_as_it_was_sent_and_a_page_goes_out_whole():
    headers = [
        (b"content-length", b"5"),
        (b"content-type", b"text/plain"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
    ]
    [(environ, body)], sent = asked([b"he", b"llo"], headers)

    assert body == b"hello"
    assert {name: environ[name] for name in ("CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_COOKIE")} == {
        "CONTENT_LENGTH": "5",
        "CONTENT_TYPE": "text/plain",
        "HTTP_COOKIE": "a=1; b=2",
    }
    assert environ["PATH_INFO"].encode("latin-1") == "/naïve/".encode() + b"\xff"
    assert environ["QUERY_STRING"] == "a=%20b"
    assert environ["REMOTE_ADDR"] == "192.0.2.7"
    assert sent == [
        {"type": "http.response.start", "status": 201, "headers": [(b"x-one", b"1")]},
        {"type": "http.response.body", "body": b"whole page"},
    ]


def test_a_body_in_pieces_has_the_length_that_came():
    [(environ, body)], _sent = asked([b"he", b"llo"], [(b"transfer-encoding", b"chunked")])

    assert (environ["CONTENT_LENGTH"], body) == ("5", b"hello")


@pytest.mark.parametrize(
    ("headers", "length"),
    [([(b"content-length", b"101")], "101"), ([(b"transfer-encoding", b"chunked")], "120")],
)
def test_of_a_body_that_is_too_long_the_application_gets_the_length_alone(
    headers: list[tuple[bytes, bytes]], length: str
):
    [(environ, body)], _sent = asked([b"x" * 60] * 5, headers)

    assert (environ["CONTENT_LENGTH"], body) == (length, b"")


def test_a_client_that_left_before_its_body_was_whole_asks_nothing():
    coming: list[bytes] = []

    assert asked(coming, [(b"content-length", b"5")]) == ([], [])


def test_a_header_with_an_underscore_is_never_taken_for_a_proxys():
    environ = environ_of({**SCOPE, "headers": [(b"x_forwarded_for", b"198.51.100.1"), (b"x-real", b"1")]})

    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert environ["HTTP_X_REAL"] == "1"


def test_a_stream_that_breaks_is_closed_once_and_never_ended_as_if_whole():
    closed: list[str] = []

    class Breaks:
        streaming = True

        def __iter__(self) -> Any:
            yield b"x" * 70_000
            raise OSError("the disk is gone")

        def close(self) -> None:
            closed.append("closed")

    def application(environ: dict[str, Any], start: Callable[..., None]) -> Any:
        start("200 OK", [])
        return Breaks()

    _seen, sent = asked([b""], [], application)

    assert closed == ["closed"]
    assert [message.get("more_body") for message in sent] == [None, True]
