"""The shared budget on a real Redis."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from django.conf import settings

from billing.metronome.budget import BUCKET, Budget, BudgetExhausted, BudgetUnavailable


def test_the_bucket_starts_empty(redis: Any) -> None:
    budget = Budget(settings.REDIS_URL, 0.1)

    with pytest.raises(BudgetExhausted):
        budget.take("write", timeout_seconds=0.2)


def test_a_read_leaves_the_last_token_to_a_write(redis: Any) -> None:
    budget = Budget(settings.REDIS_URL, 0.1)
    clock = redis.time()
    redis.hset(BUCKET, mapping={"tokens": "1.2", "at": f"{clock[0]}.{clock[1]:06d}"})

    with pytest.raises(BudgetExhausted):
        budget.take("read", timeout_seconds=0.0)
    budget.take("write", timeout_seconds=0.0)

    assert budget.snapshot()["taken_write"] == 1
    assert budget.snapshot()["taken_read"] == 0


def test_threads_together_never_exceed_the_rate(redis: Any) -> None:
    budget, taken, until = Budget(settings.REDIS_URL, 50.0), [], time.monotonic() + 1.0

    def work() -> None:
        while time.monotonic() < until:
            try:
                budget.take("write", timeout_seconds=0.1)
            except BudgetExhausted:
                continue
            taken.append(time.monotonic())

    began = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) <= (time.monotonic() - began) * 50 + 3
    assert len(taken) == budget.snapshot()["taken_write"]


def test_a_429_halves_the_rate_for_everybody(redis: Any) -> None:
    first, second = Budget(settings.REDIS_URL, 10.0), Budget(settings.REDIS_URL, 10.0)

    first.slow_down()
    assert second.snapshot()["share"] == 0.5
    second.slow_down()
    first.slow_down()
    first.slow_down()

    assert second.snapshot()["share"] == 0.125


def test_with_redis_hanging_a_write_paces_itself_and_a_read_stops() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        budget = Budget(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", 100.0)

        budget.take("write", timeout_seconds=5.0)
        began = time.monotonic()
        budget.take("write", timeout_seconds=5.0)
        assert time.monotonic() - began >= 0.5
        with pytest.raises(BudgetUnavailable):
            budget.take("read", timeout_seconds=5.0)


def test_what_metronome_asks_to_wait_holds_every_class_in_every_process(redis: Any) -> None:
    first, second = Budget(settings.REDIS_URL, 1000.0), Budget(settings.REDIS_URL, 1000.0)
    second.take("read", timeout_seconds=1.0)

    first.hold(120.0)
    first.hold(5.0)  # a shorter one shortens nothing

    for budget in (first, second):
        for kind in ("write", "read"):
            with pytest.raises(BudgetExhausted, match="asked us to send nothing") as held:
                budget.take(kind, timeout_seconds=1.0)
            assert 115 < held.value.wait_seconds <= 120


def test_a_hold_ends_by_itself(redis: Any) -> None:
    budget = Budget(settings.REDIS_URL, 1000.0)
    budget.hold(1.0)
    began = time.monotonic()

    budget.take("read", timeout_seconds=10.0)

    assert time.monotonic() - began >= 0.9


def test_with_redis_away_this_process_still_waits_as_long_as_it_was_asked() -> None:
    budget = Budget("redis://127.0.0.1:1/0", 1000.0)
    budget.hold(60.0)

    with pytest.raises(BudgetExhausted):
        budget.take("write", timeout_seconds=1.0)
