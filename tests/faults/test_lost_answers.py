"""Each kind, the last answer lost or spoilt in each way, and what somebody does to the effect before we look.

No row ends with a second effect of ours, nor with *applied* where ours does not stand and nothing says it
did. `make test` takes the answers that differ most; `make faults` takes them all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from billing.changes import sealed
from billing.changes.agreeing import resolving
from billing.changes.applying import apply, settling
from billing.changes.models import ChangeRequest, Word
from billing.metronome.account import Gateway
from billing.metronome.calls import CallKey, Sending
from billing.mirror.refresh import refresh_customer
from billing.users import User
from tests.changes.test_apply import settle_until_known
from tests.faults.answers import (
    A_PERSON,
    AFTER,
    AS_DOCUMENTED,
    BEFORE,
    FAMILIES,
    forget,
    rows,
    somebody_else,
)
from tests.faults.asked import approved_request, assert_each_call_took_effect_once, ours
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, propose

CREATE = "POST /v1/customers"


def strike_last(change: ChangeRequest, simulator: RunningSimulator, kind: str, **options: Any) -> None:
    """A fault on the sending of the last call."""
    simulator.fault("writes", kind, skip=change.calls.count() - 1, **options)


def land_late(change: ChangeRequest, gateway: Gateway) -> None:
    """The first sending's own bytes arrive by now."""
    call = change.calls.last()
    sent = sealed.read(change.sealed).calls[-1].http
    reference = call.attempts.get().reference
    gateway.write(Sending(sent, CallKey(call.key, 1), reference, is_resend=False, ids_are_fresh=False))


def look_twice(change: ChangeRequest, gateway: Gateway) -> None:
    """The two looks after which a call may go again."""
    for _look in range(2):
        ChangeRequest.objects.update(next_try_at=None)
        settling.settle_change(change.pk, gateway)
    change.refresh_from_db()


@pytest.mark.parametrize(("kind", "answer", "meanwhile"), rows(AFTER, with_others=True))
def test_an_effect_without_its_answer_is_never_made_twice(
    kind: str,
    answer: str,
    meanwhile: str,
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    change = approved_request(kind, gateway, maker, (checker, checker2))
    fault, options = AFTER[answer]
    strike_last(change, simulator, fault, **options)
    if fault == "hang_after":
        gateway.config = replace(gateway.config, deadline_seconds=0.5)

    apply.apply_change(change.pk, gateway)
    change.refresh_from_db()
    as_documented = answer in AS_DOCUMENTED.get(change.calls.last().operation, ())
    assert change.status == ("applied" if as_documented else "unknown")
    somebody_else(change, meanwhile, simulator)
    settle_until_known(change, gateway)

    assert len(ours(simulator)) == change.calls.count()
    assert change.calls.last().attempts.count() == 1
    if kind in A_PERSON and meanwhile == "undone" and not as_documented:
        assert (change.status, change.needs_person) == ("unknown", True), change.explanation
        assert "somebody set it back" in change.explanation
    else:
        assert change.status == "applied", change.explanation


@pytest.mark.parametrize(("kind", "answer"), rows(BEFORE))
def test_a_call_that_never_took_effect_goes_again_by_itself_and_once(
    kind: str,
    answer: str,
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    change = approved_request(kind, gateway, maker, (checker, checker2))
    fault, options = BEFORE[answer]
    strike_last(change, simulator, fault, **options)

    apply.apply_change(change.pk, gateway)
    settle_until_known(change, gateway)

    assert change.status == "applied", change.explanation
    assert_each_call_took_effect_once(change, simulator)
    assert change.calls.last().attempts.count() == 2


@pytest.mark.parametrize("keys", ["alive", "forgotten"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_what_lands_and_is_undone_between_the_looks_and_the_resend_is_seen_before_it_goes(
    kind: str,
    keys: str,
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    change = approved_request(kind, gateway, maker, (checker, checker2))
    strike_last(change, simulator, "drop_before")
    apply.apply_change(change.pk, gateway)
    look_twice(change, gateway)
    assert (change.status, len(ours(simulator))) == ("approved", change.calls.count() - 1)
    land_late(change, gateway)
    somebody_else(change, "undone", simulator)
    if keys == "forgotten":
        forget(simulator, "answers")

    ChangeRequest.objects.update(next_try_at=None)
    apply.apply_change(change.pk, gateway)
    change.refresh_from_db()

    assert change.calls.last().attempts.count() == 1
    assert len(ours(simulator)) == change.calls.count()
    if kind in A_PERSON:
        assert (change.status, change.needs_person) == ("unknown", True), change.explanation
        assert "It was not sent again. Our call took effect" in change.explanation
    else:
        assert change.status == "applied", change.explanation


@pytest.mark.parametrize("kind", ["customer.rename", "customer.realias"])
def test_what_was_answered_with_a_no_took_effect_and_was_undone_is_not_done_again(
    kind: str,
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    change = approved_request(kind, gateway, maker, (checker, checker2))
    strike_last(change, simulator, "status_after", status=429, message="slow down")
    apply.apply_change(change.pk, gateway)
    somebody_else(change, "undone", simulator)
    forget(simulator, "answers")

    settle_until_known(change, gateway)

    assert (change.status, change.needs_person) == ("unknown", True), change.explanation
    assert "somebody set it back" in change.explanation
    assert len(ours(simulator)) == 1
    assert change.calls.get().attempts.count() == 1


@pytest.fixture
def created(maker: User, checker: User) -> ChangeRequest:
    """An approved creation of one customer."""
    fields = {"name": "Newcomer AB", "ingest_aliases": ["newcomer"], "custom_fields": {}}
    return approve(propose("customer.create", maker, fields), checker)


def test_where_aliases_and_log_show_nothing_the_replayed_answer_keeps_a_customer_from_being_made_twice(
    created: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(CREATE, "drop_after")
    apply.apply_change(created.pk, gateway)
    somebody_else(created, "undone", simulator)
    forget(simulator, "audit_log")

    settle_until_known(created, gateway)

    assert len(ours(simulator)) == 1
    assert (created.status, created.needs_person) == ("unknown", True)
    assert [attempt.generation for attempt in created.calls.get().attempts.all()] == [1, 1]


def test_a_namesake_that_the_mirror_has_met_since_is_a_persons_question(
    created: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(CREATE, "status_after", status=500)
    apply.apply_change(created.pk, gateway)
    made = ours(simulator)[0]["resource_id"]
    somebody_else(created, "undone", simulator)
    forget(simulator, "audit_log")
    refresh_customer(gateway, made)

    settle_until_known(created, gateway)

    assert len(ours(simulator)) == 1
    assert (created.status, created.needs_person) == ("unknown", True)
    assert created.explanation == (
        f"Nobody holds any of the aliases. But a customer of this name was created since it was sent: {made}."
    )
    assert created.calls.get().attempts.count() == 1


def test_a_call_first_sent_a_day_ago_goes_again_only_at_a_persons_word(
    created: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, administrator: User
) -> None:
    simulator.fault(CREATE, "drop_before")
    apply.apply_change(created.pk, gateway)
    look_twice(created, gateway)
    a_day_ago(created)

    ChangeRequest.objects.update(next_try_at=None)
    apply.apply_change(created.pk, gateway)
    settle_until_known(created, gateway)
    assert (created.status, created.needs_person) == ("unknown", True)
    assert simulator.ledger() == []

    resolving.resolve(created.pk, actor=by(administrator), verdict=Word.TRY_AGAIN, reason="it never came")
    settle_until_known(created, gateway)

    assert created.status == "applied", created.explanation
    assert len(ours(simulator)) == 1


def a_day_ago(change: ChangeRequest) -> None:
    """Its sendings were a day earlier, as during a long freeze."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_call DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE billing_call SET first_sent_at = first_sent_at - interval '1 day' WHERE change_id = %s",
            [change.pk],
        )
        cursor.execute("ALTER TABLE billing_call ENABLE TRIGGER USER")
