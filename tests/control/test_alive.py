"""Signs of life: who left one, who is silent, and that Redis away stops nobody."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from redis import Redis

from adminsite.celery import Scheduler
from billing.control import alive
from billing.control.alive import KEY, PATIENCE_SECONDS, Pulse

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def worker(settings: Any) -> str:
    settings.PROCESS = "worker-changes"
    return "worker-changes"


def by_process() -> dict[str, bool]:
    return {sign.process: sign.is_alive for sign in alive.signs()}


def test_a_process_that_shows_itself_is_alive_and_the_others_were_never_seen(worker: str) -> None:
    Pulse().show()

    assert by_process() == {
        "worker-changes": True,
        "worker-checks": False,
        "worker-refresh": False,
        "beat": False,
    }
    assert [sign.seen_at is None for sign in alive.signs()] == [False, True, True, True]


def test_a_process_is_silent_once_patience_is_over(redis: Redis) -> None:
    redis.set(f"{KEY}beat", f"{time.time() - PATIENCE_SECONDS - 1:.3f}")
    redis.set(f"{KEY}worker-refresh", f"{time.time() - PATIENCE_SECONDS + 10:.3f}")

    assert by_process() == {
        "worker-changes": False,
        "worker-checks": False,
        "worker-refresh": True,
        "beat": False,
    }
    assert alive.signs()[3].seen_at is not None


def test_signs_in_quick_succession_reach_redis_once_and_the_file_each_time(
    worker: str, redis: Redis, tmp_path: Path
) -> None:
    file = tmp_path / "heartbeat"
    one = Pulse(str(file))
    one.show()
    redis.delete(f"{KEY}{worker}")
    file.unlink()

    one.show()

    assert redis.exists(f"{KEY}{worker}") == 0
    assert abs(int(file.read_text()) - time.time()) < 60


def test_without_redis_the_file_still_says_it_and_nobody_claims_to_know(
    worker: str, settings: Any, tmp_path: Path
) -> None:
    settings.REDIS_URL = NOWHERE

    Pulse(str(tmp_path / "heartbeat")).show()

    assert (tmp_path / "heartbeat").exists()
    assert alive.signs() is None


def test_beat_leaves_a_sign_with_every_tick(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROCESS = "beat"
    monkeypatch.setattr("adminsite.celery.pulse", Pulse())
    with Celery("lonely") as app:
        Scheduler(app, schedule_filename=str(tmp_path / "schedule")).tick()

    assert by_process()["beat"]
