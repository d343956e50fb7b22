"""Serve a WSGI application so that no thread waits for anybody's network.

A body is read whole, in its time, before a thread is asked; an answer goes out in its time while no thread
waits. So a slow client costs a socket and nothing of the others'.
"""

import asyncio
import logging
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from django.db import close_old_connections

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Callable[..., None]], Iterable[bytes]]

BLOCK_BYTES = 65_536
MEMORY_BYTES = 65_536  # of a body; what is longer waits in a nameless temporary file
SENDING_THREADS = 4

logger = logging.getLogger(__name__)


class Lane(NamedTuple):
    """Threads for the addresses that end so; others' work never takes them."""

    ending: str
    threads: int


class Gone(Exception):
    """The client left before it had sent everything, or taken it."""


class Answer:
    """What the application answered. Its blocks may be read by one thread after another."""

    def __init__(self, application: Application, environ: dict[str, Any]) -> None:
        self.status, self.headers = 500, list[tuple[bytes, bytes]]()
        self._lock, self._is_closed = threading.Lock(), False
        self._result = application(environ, self._start)
        self._blocks: Iterator[bytes] = iter(self._result)

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        """WSGI's start_response. Its write() is not offered: Django doesn't use it."""
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    @property
    def is_stream(self) -> bool:
        """Whether it is a file or a list that is read on while it is sent."""
        return bool(getattr(self._result, "streaming", False))

    def read_all(self) -> bytes:
        """All of it; closed afterwards."""
        try:
            return b"".join(self._blocks)
        finally:
            self.close()

    def read(self) -> bytes:
        """About 64 KiB more; b"" at its end, and then it is closed."""
        with self._lock:
            blocks = bytearray()
            while not self._is_closed and len(blocks) < BLOCK_BYTES and (block := next(self._blocks, None)):
                blocks += block
        if not blocks:
            self.close()
        return bytes(blocks)

    def close(self) -> None:
        """Let go of it, once; what was not read is not asked for any more."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            if close := getattr(self._result, "close", None):
                close()


class PatientServer:
    """An ASGI application around a WSGI one.

    lanes: the first whose ending fits serves a request. body_seconds, answer_seconds: what a whole body and a
    whole streamed answer may take. most_bytes: of a body; of a longer one the application gets the length and
    no byte, and refuses it.
    """

    def __init__(
        self,
        application: Application,
        lanes: tuple[Lane, ...],
        *,
        body_seconds: float,
        answer_seconds: float,
        most_bytes: int,
    ) -> None:
        self.application = application
        self.body_seconds, self.answer_seconds, self.most_bytes = body_seconds, answer_seconds, most_bytes
        self._lanes = [(lane.ending, ThreadPoolExecutor(lane.threads)) for lane in lanes]
        self._sending = ThreadPoolExecutor(SENDING_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        environ = environ_of(scope)
        with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as body:
            try:
                async with asyncio.timeout(self.body_seconds):
                    await self._read_body(scope, receive, body, environ)
            except TimeoutError:
                words = f"What you sent didn't arrive within {self.body_seconds:.0f} s. Nothing was done."
                await _refuse(send, 408, words)
                return
            except Gone:
                return
            leaving = asyncio.ensure_future(_until_gone(receive))
            try:
                answer, whole = await self._in(self._lane(scope["path"]), self._ask, environ)
                if whole is None:
                    await self._stream(answer, leaving, send)
                else:
                    await send(_start_of(answer))
                    await send({"type": "http.response.body", "body": whole})
            finally:
                leaving.cancel()

    async def _read_body(
        self, scope: Scope, receive: Receive, body: IO[bytes], environ: dict[str, Any]
    ) -> None:
        """Read the body into the file; set its length, and where it is short enough the file, for the
        application. Raises Gone."""
        headers = dict(scope["headers"])
        said = headers.get(b"content-length", b"")
        length = int(said[:20]) if said.isdigit() else 0
        if length <= self.most_bytes and (length or b"transfer-encoding" in headers):
            length, goes_on = 0, True
            while goes_on and length <= self.most_bytes:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                body.write(message.get("body", b""))
                length += len(message.get("body", b""))
                goes_on = message.get("more_body", False)
        if length > self.most_bytes:
            body.truncate(0)
        body.seek(0)
        environ["wsgi.input"] = body
        if length:
            environ["CONTENT_LENGTH"] = str(length)

    def _lane(self, path: str) -> ThreadPoolExecutor:
        return next(pool for ending, pool in self._lanes if path.endswith(ending))

    def _ask(self, environ: dict[str, Any]) -> tuple[Answer, bytes | None]:
        """Ask the application, in a thread; a page is read whole there, of a stream nothing yet."""
        answer = Answer(self.application, environ)
        if not answer.is_stream:
            return answer, answer.read_all()
        close_old_connections()  # others read on
        return answer, None

    async def _stream(self, answer: Answer, leaving: asyncio.Future[None], send: Send) -> None:
        """Send block by block, each read by a thread only once the one before is on its way; end with the
        client, or when the time is over. Of one who left while it was made, nothing is read."""
        going = asyncio.ensure_future(self._send_blocks(answer, leaving, send))
        try:
            await asyncio.wait(
                {going, leaving}, timeout=self.answer_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            is_whole = going.done() and not going.cancelled() and going.exception() is None
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)
            await self._in(self._sending, answer.close)
        if not is_whole:
            # Without its last block the server closes the connection: the announced length isn't reached.
            logger.warning("An answer was not taken whole: its client left, or took too long.")

    async def _send_blocks(self, answer: Answer, leaving: asyncio.Future[None], send: Send) -> None:
        """Raises Gone when the client is known to have left; what it took is never read to its end then."""
        await send(_start_of(answer))
        while not leaving.done() and (block := await self._in(self._sending, answer.read)):
            await send({"type": "http.response.body", "body": block, "more_body": True})
        if leaving.done():
            raise Gone
        await send({"type": "http.response.body", "body": b""})

    @staticmethod
    async def _in(pool: ThreadPoolExecutor, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


def environ_of(scope: Scope) -> dict[str, Any]:
    """WSGI's view of a request, without its body. Headers with an underscore in their name are dropped: they
    could be taken for those that proxies set."""
    client, server = scope.get("client") or ("", 0), scope.get("server") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": str(client[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name or name == "content-length":
            continue
        key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
        joint = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
    return environ


def _start_of(answer: Answer) -> Message:
    return {"type": "http.response.start", "status": answer.status, "headers": answer.headers}


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: int, words: str) -> None:
    body = words.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
