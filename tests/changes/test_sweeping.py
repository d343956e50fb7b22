"""Who takes what when: the sweep wakes others, and long requests leave threads to the short ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from adminsite.celery import app
from billing import tasks
from billing.changes.applying import claiming, sweeping
from billing.changes.applying.claiming import claim_change, claim_next
from billing.changes.models import ChangeRequest
from billing.changes.moves import database_now
from billing.control import freezing
from billing.metronome.account import Gateway
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, mirrored, propose


def renamings(
    number: int, gateway: Gateway, simulator: RunningSimulator, maker: User, checker: User
) -> list[ChangeRequest]:
    """Approved renamings of as many customers."""
    return [
        approve(
            propose(
                "customer.rename",
                maker,
                {"name": f"Renamed {position}"},
                snapshot=mirrored(gateway, simulator, position),
            ),
            checker,
        )
        for position in range(number)
    ]


def creating(aliases: int, maker: User, checker: User) -> ChangeRequest:
    """An approved request for a new customer with so many aliases."""
    names = [f"held-by-{aliases}-{position:04}-{'x' * 100}" for position in range(aliases)]
    entered = {"name": f"With {aliases}", "ingest_aliases": names, "custom_fields": {}}
    return approve(propose("customer.create", maker, entered), checker)


def waiting(redis: Any, queue: str) -> int:
    """Messages in a queue that nobody has heard yet."""
    return redis.llen(queue)


def test_the_sweep_wakes_threads_and_sends_nothing_itself(
    gateway: Gateway, simulator: RunningSimulator, maker: User, checker: User, redis: Any
) -> None:
    changes = renamings(3, gateway, simulator, maker, checker)

    tasks.sweep_changes()

    assert waiting(redis, "changes") == 3
    assert simulator.ledger() == []
    assert {change.status for change in ChangeRequest.objects.all()} == {"approved"}

    tasks.apply_approved()

    assert {change.status for change in ChangeRequest.objects.all()} == {"applied"}
    assert len(simulator.ledger()) == len(changes)


def test_a_thread_ends_its_turn_and_calls_for_another_only_while_there_is_work(
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    redis: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renamings(2, gateway, simulator, maker, checker)
    monkeypatch.setattr(sweeping, "TURN_SECONDS", 0.0)

    tasks.apply_approved()
    assert (len(simulator.ledger()), waiting(redis, "changes")) == (1, 1)
    tasks.apply_approved()
    assert (len(simulator.ledger()), waiting(redis, "changes")) == (2, 2)
    tasks.apply_approved()
    assert (len(simulator.ledger()), waiting(redis, "changes")) == (2, 2)


def test_a_turn_is_not_taken_again_for_requests_that_must_wait(
    house: None, maker: User, checker: User, redis: Any, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (200, 201, 202):
        creating(number, maker, checker)
    assert [claim_next([]) is None for _each in range(2)] == [False, False]
    monkeypatch.setattr(sweeping, "TURN_SECONDS", 0.0)

    tasks.apply_approved()

    assert sweeping.number_due(5) == 1
    assert waiting(redis, "changes") == 0


def test_the_sweep_tidies_up_while_another_applies(
    approved: ChangeRequest, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = claim_change(approved.pk)
    assert lost is not None
    ChangeRequest.objects.filter(pk=approved.pk).update(lease_until=database_now() - timedelta(seconds=1))
    tidied = []

    def next_one(_gateway: Gateway, _passed: Any) -> None:
        with connection.cursor() as cursor:  # what an applying thread holds must not stop the next sweep
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
            )
            tidied.append(cursor.fetchone()[0])

    monkeypatch.setattr(sweeping, "apply_next", next_one)

    sweeping.sweep(gateway)

    approved.refresh_from_db()
    assert approved.status == "approved"
    assert tidied == [0] * sweeping.THREADS


def test_long_requests_leave_threads_to_the_short_ones(house: None, maker: User, checker: User) -> None:
    long = [creating(number, maker, checker) for number in (200, 201, 202)]
    short = creating(1, maker, checker)

    taken = [claim_next([]) for _each in range(4)]

    assert [claim and claim.change_id for claim in taken] == [long[0].pk, long[1].pk, short.pk, None]
    assert claiming.MOST_LONG == 2


def test_the_oldest_that_nobody_is_busy_with_comes_next_and_none_while_frozen(
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    administrator: User,
) -> None:
    first, second, third = renamings(3, gateway, simulator, maker, checker)

    assert claim_next({first.pk}).change_id == second.pk
    freezing.freeze(by(administrator), "month end")
    assert claim_next([]) is None
    freezing.unfreeze(by(administrator), "it is over")
    assert [claim_next([]).change_id for _each in range(2)] == [first.pk, third.pk]


def test_a_request_that_fails_in_an_unforeseen_way_stops_no_other(
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, sound = renamings(2, gateway, simulator, maker, checker)
    carry_out = sweeping.apply_next.__globals__["_carry_out_claimed"]

    def carried_out(claim: Any, opened: Gateway) -> None:
        if claim.change_id == broken.pk:
            raise RuntimeError("a fault of ours")
        carry_out(claim, opened)

    monkeypatch.setitem(sweeping.apply_next.__globals__, "_carry_out_claimed", carried_out)

    assert sweeping.apply_due(gateway) == 2

    assert ChangeRequest.objects.get(pk=sound.pk).status == "applied"
    assert ChangeRequest.objects.get(pk=broken.pk).status == "applying"
    assert len(simulator.ledger()) == 1


def test_each_kind_of_work_has_a_queue_that_one_worker_hears() -> None:
    routed = {
        name: app.amqp.router.route({}, f"billing.tasks.{name}")["queue"].name
        for name in (
            "sweep_changes",
            "apply_approved",
            "check_change",
            "answer_survey",
            "look_into_doubts",
            "refresh_mirror",
            "refresh_customer",
            "refresh_lists",
        )
    }

    assert routed == {
        "sweep_changes": "sweeps",
        "apply_approved": "changes",
        "check_change": "checks",
        "answer_survey": "checks",
        "look_into_doubts": "doubts",
        "refresh_mirror": "refresh",
        "refresh_customer": "refresh",
        "refresh_lists": "refresh",
    }
