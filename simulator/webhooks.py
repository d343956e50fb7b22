"""Webhooks: how notices are signed and how they travel (reference §4.2 and §4.3).

Delivery is by real HTTP and in real time, whatever the account's clock says: at least once, with waits that
double up to 15 minutes, for two days.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import random
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import orjson

from simulator import agenda
from simulator.accounts import Accounts
from simulator.destinations import forget_done
from simulator.world import Row, World

TICK_SECONDS = 0.05
TIMEOUT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 900.0
GIVE_UP_SECONDS = 2 * 86_400.0
log = logging.getLogger("simulator")


def sign(secret: str, date: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 of date, newline and the raw body under the secret as plain text."""
    return hmac.new(secret.encode(), date.encode() + b"\n" + body, hashlib.sha256).hexdigest()


class Sender:
    """Brings what waits in every account's outbox to its destinations, one at a time for each of them."""

    def __init__(self, service: Accounts) -> None:
        self._service = service
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Go on until cancelled. What becomes due by the clock alone is noticed here too."""
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
            try:
                while True:
                    self._pass(client)
                    await asyncio.sleep(TICK_SECONDS)
            finally:
                for task in self._busy.values():
                    task.cancel()

    def _pass(self, client: httpx.AsyncClient) -> None:
        try:
            for world in list(self._service.worlds.values()):
                if world.destinations:
                    self._begin(client, world)
        except Exception:
            log.exception("webhooks could not be sent")

    def _begin(self, client: httpx.AsyncClient, world: World) -> None:
        agenda.catch_up(world)
        for destination in world.destinations:
            running = self._busy.get(destination["id"])
            if (running is None or running.done()) and (rows := _due(world, destination)):
                task = asyncio.create_task(_deliver(client, world, destination, rows))
                self._busy[destination["id"]] = task
        self._busy = {name: task for name, task in self._busy.items() if not task.done()}


def _due(world: World, destination: Row) -> list[Row]:
    now, switches = time.time(), destination["switches"]
    rows = [
        row
        for row in world.outbox
        if (waits := row["waiting"].get(destination["id"]))
        and max(waits["not_before"], row["queued_at"] + switches["delay_seconds"]) <= now
    ]
    return rows[::-1] if switches["reorder"] else rows


async def _deliver(client: httpx.AsyncClient, world: World, destination: Row, rows: list[Row]) -> None:
    for row in rows:
        if (waits := row["waiting"].get(destination["id"])) is None:
            continue  # the destination was removed meanwhile
        status = await _post(client, destination, row["payload"], waits)
        destination["tries"] += 1
        destination["last_status"] = status
        if status is not None and 200 <= status <= 299:
            destination["delivered"] += 1
            for _ in range(destination["switches"]["duplicates"]):
                await _post(client, destination, row["payload"], waits)
            row["waiting"].pop(destination["id"], None)
        elif time.time() > row["queued_at"] + GIVE_UP_SECONDS:
            destination["given_up"] += 1
            row["waiting"].pop(destination["id"], None)
        else:
            wait = destination["switches"]["retry_seconds"] * 2 ** min(waits["tries"], 20)
            waits["not_before"] = time.time() + min(wait, LONGEST_WAIT_SECONDS) * random.uniform(0.8, 1.0)
            waits["tries"] += 1
    forget_done(world)


async def _post(client: httpx.AsyncClient, destination: Row, payload: Row, waits: Row) -> int | None:
    """The status of one try, None for no answer at all."""
    switches, body = destination["switches"], orjson.dumps(payload)
    moment = datetime.fromtimestamp(time.time() - switches["stale_seconds"], UTC)
    date = format_datetime(moment, usegmt=True)
    if switches["keep_date"]:
        date = waits.setdefault("date", date)
    secret = destination["secret"] + ("?" if switches["wrong_signature"] else "")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Metronome",
        "Date": date,
        "X-Metronome-Date": date,
        "Metronome-Webhook-Signature": sign(secret, date, body),
    }
    try:
        return (await client.post(destination["url"], content=body, headers=headers)).status_code
    except (httpx.HTTPError, ValueError):
        return None
