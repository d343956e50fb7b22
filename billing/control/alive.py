"""Signs of life of the workers and beat: in Redis for the System page, in a file for health checks.

A worker's sign in Redis is that a task has finished well; beat has each do a small one every 15
seconds. The file only says that the process turns: long work is no reason to end it.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from django.conf import settings
from redis import Redis, RedisError

PROCESSES = ("worker-changes", "worker-checks", "worker-refresh", "beat")
KEY = "countersign:alive:"
EVERY_SECONDS = 2.0
KEPT_SECONDS = 7 * 86_400
PATIENCE_SECONDS = 60.0
"""A process that left no sign for so long counts as silent: four small tasks in a row did not finish."""


@dataclass(frozen=True, slots=True)
class Sign:
    """When a process last showed itself, None for not within KEPT_SECONDS."""

    process: str
    seen_at: datetime | None

    @property
    def is_alive(self) -> bool:
        return self.seen_at is not None and time.time() - self.seen_at.timestamp() < PATIENCE_SECONDS


class Pulse:
    """One process's own signs. At most one in EVERY_SECONDS goes to Redis, and none is waited for long."""

    def __init__(self, file_name: str | None = None) -> None:
        self._file, self._sent = Path(file_name) if file_name else None, -EVERY_SECONDS

    def touch(self) -> None:
        """Say in the file that the process turns."""
        if self._file:
            self._file.write_text(f"{time.time():.0f}\n", encoding="utf-8")

    def show(self) -> None:
        """Leave a sign in both. Redis away is no reason to stop working: the file still says it."""
        self.touch()
        if time.monotonic() - self._sent < EVERY_SECONDS:
            return
        self._sent = time.monotonic()
        try:
            key, now = f"{KEY}{settings.PROCESS}", f"{time.time():.3f}"
            _redis(settings.REDIS_URL).set(key, now, ex=KEPT_SECONDS)
        except RedisError:
            return


def signs() -> list[Sign] | None:
    """The last sign of each process; None while Redis is away."""
    try:
        found = _redis(settings.REDIS_URL).mget([f"{KEY}{process}" for process in PROCESSES])
    except RedisError:
        return None
    return [
        Sign(process, datetime.fromtimestamp(float(seen), UTC) if seen else None)
        for process, seen in zip(PROCESSES, found, strict=True)
    ]


@cache
def _redis(url: str) -> Redis:
    """One client a process: it keeps its connections."""
    return Redis.from_url(url, socket_timeout=0.3, socket_connect_timeout=0.3)
