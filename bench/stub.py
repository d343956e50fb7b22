"""A Metronome that costs next to nothing: customers in pages that were written before anybody asks.

The simulator takes as long for a page as this does for dozens, and would be all that is measured.
`python -m bench.stub SIZE` prints its port. `/_bench/change?every=100` changes the name of each hundredth
customer, `/_bench/delay?milliseconds=20` has each page wait.
"""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

import orjson

PAGE = 100
ARCHIVED_EVERY = 20
EMPTY = orjson.dumps({"data": [], "next_page": None})


def row(number: int, version: int) -> dict[str, object]:
    """One customer as Metronome's list gives it; two thirds have a second alias."""
    name = f"{['Halcyon', 'Larkspur', 'Kestrel', 'Juniper'][number % 4]} {number * 7919 % 1_000_003:x} Ltd"
    aliases = [f"account-{number}"] + ([f"meter-{number}"] if number % 3 else [])
    return {
        "id": f"{number:08x}-0000-4000-8000-{number:012x}",
        "name": name if version == 0 else f"{name} {version}",
        "external_id": aliases[0],
        "ingest_aliases": aliases,
        "custom_fields": {"erp_id": f"ERP-{number}", "segment": "mid-market"},
        "customer_config": {"salesforce_account_id": None},
        "current_billable_status": {"value": "billable", "effective_at": None},
        "created_at": f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T08:30:00+00:00",
        "updated_at": "2026-01-01T00:00:00+00:00",
        "archived_at": "2026-02-01T00:00:00+00:00" if number % ARCHIVED_EVERY == 0 else None,
    }


class Account:
    """Every page of both lists, as bytes."""

    def __init__(self, size: int) -> None:
        self.versions = [0] * (size + 1)
        self.delay_seconds = 0.0
        self.render()

    def render(self) -> None:
        """Write all pages anew."""
        numbers = range(1, len(self.versions))
        self.pages = {
            archived: self._pages([n for n in numbers if (n % ARCHIVED_EVERY == 0) == archived])
            for archived in (False, True)
        }

    def answer(self, target: str) -> tuple[bytes, float]:
        """The body for a GET or POST, and the seconds to wait before it."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/_bench/change":
            for number in range(1, len(self.versions), int(query["every"])):
                self.versions[number] += 1
            self.render()
            return EMPTY, 0.0
        if parts.path == "/_bench/delay":
            self.delay_seconds = int(query["milliseconds"]) / 1000
            return EMPTY, 0.0
        if parts.path != "/v1/customers":
            return EMPTY, 0.0
        if ids := query.get("customer_ids"):
            there = [
                each for each in (int(one[:8], 16) for one in ids.split(",")) if each < len(self.versions)
            ]
            found = [row(number, self.versions[number]) for number in there]
            wanted = [each for each in found if bool(each["archived_at"]) == ("only_archived" in query)]
            return orjson.dumps({"data": wanted, "next_page": None}), self.delay_seconds
        pages = self.pages["only_archived" in query]
        return pages[int(query.get("next_page", "0"))], self.delay_seconds

    def _pages(self, numbers: list[int]) -> list[bytes]:
        count = max(1, -(-len(numbers) // PAGE))
        return [
            orjson.dumps(
                {
                    "data": [row(n, self.versions[n]) for n in numbers[page * PAGE : (page + 1) * PAGE]],
                    "next_page": str(page + 1) if page + 1 < count else None,
                }
            )
            for page in range(count)
        ]


async def serve(size: int) -> None:
    """Listen on a free port of loopback until the process ends."""
    account = Account(size)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lower = head.lower()
            if (at := lower.find(b"content-length:")) >= 0:
                await reader.readexactly(int(lower[at + 15 :].split(b"\r\n", 1)[0]))
            body, seconds = account.answer(head.split(b" ", 2)[1].decode())
            if seconds:
                await asyncio.sleep(seconds)
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            )
            writer.write(body)

    async def politely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(politely, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
