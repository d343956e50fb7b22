"""Reads share connections that are kept, every write has one of its own; a broken one costs one request."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from billing.metronome.config import GatewayConfig
from billing.metronome.transport import NoAnswer, RawAnswer, Wire

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
HALF = ANSWER[:-1]
Act = Callable[[socket.socket, int], bool]
"""What the server does with a connection's request, by its number; False ends the connection."""


class Server:
    """HTTP/1.1 on a port of its own, a thread a connection; `connections` holds the requests of each.

    ended: set once it has ended one.
    """

    def __init__(self, act: Act) -> None:
        self.connections: list[list[bytes]] = []
        self.ended = threading.Event()
        self._act = act
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):  # it is closed already
            self._socket.shutdown(socket.SHUT_RDWR)  # without it, whoever waits in accept takes one more
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                taken, _address = self._socket.accept()
            except OSError:
                return
            seen: list[bytes] = []
            self.connections.append(seen)
            threading.Thread(target=self._serve, args=(taken, seen), daemon=True).start()

    def _serve(self, taken: socket.socket, seen: list[bytes]) -> None:
        with taken:
            while request := _request(taken):
                seen.append(request)
                if not self._act(taken, sum(map(len, self.connections))):
                    break
        self.ended.set()


def _request(taken: socket.socket) -> bytes:
    """A whole request, head and body; empty once the client has ended the connection."""
    given = b""
    while b"\r\n\r\n" not in given or (b"POST" in given and b'"Halcyon"}' not in given):
        if not (more := taken.recv(65_536)):
            return b""
        given += more
    return given


def answer(taken: socket.socket, _number: int) -> bool:
    taken.sendall(ANSWER)
    return True


@contextmanager
def wired(act: Act = answer) -> Iterator[tuple[Wire, Server]]:
    server = Server(act)
    wire = Wire(GatewayConfig(server.url, "token", "test", "redis://nowhere", 1.0, 5.0, 5.0))
    try:
        yield wire, server
    finally:
        wire.close()
        server.close()


def ask(wire: Wire, *, keeps: bool = True, deadline_seconds: float = 5.0) -> RawAnswer | NoAnswer:
    return wire.exchange(
        "GET" if keeps else "POST",
        "/v1/customers",
        body=None if keeps else {"name": "Halcyon"},
        query=None,
        headers={"User-Agent": "a test of the wire"},
        deadline_seconds=deadline_seconds,
        keeps=keeps,
    )


def statuses(answers: list[RawAnswer | NoAnswer]) -> list[int | None]:
    return [one.status if isinstance(one, RawAnswer) else None for one in answers]


def test_reads_one_after_another_share_a_connection_also_from_other_threads() -> None:
    with wired() as (wire, server), ThreadPoolExecutor(1) as another:
        answers = [ask(wire), another.submit(ask, wire).result(), ask(wire)]

    assert statuses(answers) == [200, 200, 200]
    assert [len(requests) for requests in server.connections] == [3]
    assert b"User-Agent: a test of the wire\r\n" in server.connections[0][0]


def test_every_write_has_a_connection_of_its_own() -> None:
    with wired() as (wire, server):
        answers = [ask(wire), ask(wire, keeps=False), ask(wire, keeps=False), ask(wire)]

    assert statuses(answers) == [200] * 4
    assert [len(requests) for requests in server.connections] == [2, 1, 1]


def test_reads_at_once_do_not_wait_for_one_another() -> None:
    together = threading.Barrier(8, timeout=30)

    def answer_all_at_once(taken: socket.socket, _number: int) -> bool:
        together.wait()
        return answer(taken, 0)

    with wired(answer_all_at_once) as (wire, server), ThreadPoolExecutor(8) as many:
        answers = [one.result() for one in [many.submit(ask, wire) for _each in range(8)]]

    assert statuses(answers) == [200] * 8
    assert [len(requests) for requests in server.connections] == [1] * 8


def test_a_connection_that_the_server_ended_is_replaced() -> None:
    with wired(lambda taken, number: answer(taken, number) and number != 1) as (wire, server):
        first = ask(wire)
        server.ended.wait(10)
        answers = [first, ask(wire), ask(wire)]

    assert statuses(answers) == [200, 200, 200]
    assert [len(requests) for requests in server.connections] == [1, 2]


def test_an_answer_that_stops_half_way_ends_by_the_deadline_and_its_connection_with_it() -> None:
    def stall_once(taken: socket.socket, number: int) -> bool:
        taken.sendall(HALF if number == 1 else ANSWER)
        return True

    with wired(stall_once) as (wire, server):
        stalled, after = ask(wire, deadline_seconds=0.3), ask(wire)

    assert isinstance(stalled, NoAnswer)
    assert stalled.connected
    assert stalled.words == "no whole answer within 0.3 s"
    assert statuses([after]) == [200]
    assert [len(requests) for requests in server.connections] == [1, 1]


@pytest.mark.parametrize(
    "given",
    [ANSWER[:40], ANSWER.replace(b"Content-Length: 2", b"Content-Length: 9999")],
    ids=["head", "body"],
)
def test_a_server_that_dribbles_is_held_to_the_whole_deadline(given: bytes) -> None:
    ended = threading.Event()

    def dribble(taken: socket.socket, _number: int) -> bool:
        with suppress(OSError):  # the client has left
            taken.sendall(given)
            while not ended.wait(0.02):
                taken.sendall(b"x")
        return False

    with wired(dribble) as (wire, _server):
        answered = ask(wire, deadline_seconds=0.3)
        ended.set()

    assert isinstance(answered, NoAnswer)
    assert answered.words == "no whole answer within 0.3 s"


def test_an_answer_packed_as_nobody_asked_is_no_answer() -> None:
    def pack(taken: socket.socket, _number: int) -> bool:
        taken.sendall(ANSWER.replace(b"Content-Type", b"Content-Encoding: gzip\r\nContent-Type"))
        return True

    with wired(pack) as (wire, _server):
        answered = ask(wire)

    assert isinstance(answered, NoAnswer)
    assert (answered.connected, answered.words) == (True, "the answer could not be decoded")


def test_a_server_that_is_not_there_was_never_connected_to() -> None:
    with wired() as (wire, server):
        server.close()
        answers = [ask(wire), ask(wire, keeps=False)]

    assert [(type(one), one.connected) for one in answers] == [(NoAnswer, False)] * 2


def test_closing_ends_thread_and_connections_and_a_request_after_it_begins_anew() -> None:
    with wired() as (wire, server):
        ask(wire)
        wire.close()
        assert not [each for each in threading.enumerate() if each.name == "metronome"]
        again = ask(wire)

    assert statuses([again]) == [200]
    assert [len(requests) for requests in server.connections] == [1, 1]
