"""Another world came in, or ours is a new one: two people say that everything mirrored is read anew."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing.audit.models import AuditEvent
from billing.control import anew, freezing
from billing.control.models import NewBeginning
from billing.metronome.account import Gateway
from billing.mirror.connection import ensure_account
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import by


def shown() -> set[str]:
    return {
        str(pk) for pk in Customer.objects.filter(missing_since__isnull=True).values_list("pk", flat=True)
    }


def listed(simulator: RunningSimulator) -> set[str]:
    return set(simulator.control("GET", "snapshot")["main"]["customers"])


def both_say_so(administrator: User, maker: User) -> None:
    anew.ask(by(administrator), "the sandbox was wiped")
    anew.agree(by(maker), "seen with Metronome")


def test_a_new_world_is_accepted_by_two_people_and_then_refreshed_as_ever(
    gateway: Gateway, simulator: RunningSimulator, administrator: User, maker: User
) -> None:
    refresh_account(gateway)
    old = shown()
    simulator.reset(seed=8)
    assert refresh_account(gateway).status == "failed"
    assert refresh_account(gateway).status == "failed"
    anew.ask(by(administrator), "the sandbox was wiped")
    assert refresh_account(gateway).status == "failed"

    anew.agree(by(maker), "seen with Metronome")
    run = refresh_account(gateway)

    assert (run.status, run.error) == ("succeeded", "")
    assert shown() == listed(simulator)
    assert not shown() & old
    assert Customer.objects.filter(pk__in=old, missing_since__isnull=False).count() == len(old)
    assert anew.waiting() is None
    assert refresh_account(gateway).status == "succeeded"
    events = AuditEvent.objects.filter(event_type__startswith="mirror.").order_by("pk")
    assert [(event.event_type, event.actor_text) for event in events] == [
        ("mirror.anew_asked", "Alex Administrator"),
        ("mirror.anew_agreed", "Fiona Finance"),
        ("mirror.begun_anew", "worker"),
    ]


def test_what_came_in_by_mistake_is_thrown_away_once_the_right_world_is_back(
    gateway: Gateway, simulator: RunningSimulator, administrator: User, maker: User
) -> None:
    refresh_account(gateway)
    ours = shown()
    simulator.reset(seed=8)
    refresh_account(gateway)
    assert shown() > ours
    simulator.reset()

    both_say_so(administrator, maker)
    assert refresh_account(gateway).status == "succeeded"

    assert shown() == ours == listed(simulator)
    ensure_account(gateway)
    assert not freezing.is_frozen()


def test_nothing_is_set_aside_while_metronome_does_not_answer(
    gateway: Gateway, simulator: RunningSimulator, administrator: User, maker: User
) -> None:
    refresh_account(gateway)
    before = shown()
    both_say_so(administrator, maker)
    simulator.fault("GET /v1/customers", "status_before", status=503)

    assert refresh_account(gateway, pauses=()).status == "failed"

    assert shown() == before
    assert anew.is_agreed()


def test_one_person_alone_begins_nothing(house: None, administrator: User, maker: User) -> None:
    with pytest.raises(anew.Refused, match="Nothing waits"):
        anew.agree(by(maker), "eager")
    row = anew.ask(by(administrator), "the sandbox was wiped")

    with pytest.raises(anew.Refused, match="somebody else has to agree"):
        anew.agree(by(administrator), "still me")
    with pytest.raises(anew.Refused, match="asked for it already"):
        anew.ask(by(maker), "me too")
    changes: list[dict[str, Any]] = [{"seconded_by": administrator}, {"carried_out_at": row.at}]
    for each in changes:
        with pytest.raises(IntegrityError), transaction.atomic():
            NewBeginning.objects.filter(pk=row.pk).update(**each)

    row.refresh_from_db()
    assert (row.seconded_by, row.carried_out_at) == (None, None)
    assert list(AuditEvent.objects.filter(event_type__startswith="mirror.").values_list("event_type")) == [
        ("mirror.anew_asked",)
    ]


def test_what_nobody_agreed_to_within_a_day_lapses(house: None, administrator: User, maker: User) -> None:
    row = anew.ask(by(administrator), "the sandbox was wiped")
    NewBeginning.objects.filter(pk=row.pk).update(at=row.at - anew.GOOD_FOR)

    assert anew.waiting() is None
    with pytest.raises(anew.Refused, match="Nothing waits"):
        anew.agree(by(maker), "late")


TRIES = {
    "INSERT INTO billing_newbeginning (reason, by_id) SELECT 'x', id FROM billing_user": "does not tell",
    "UPDATE billing_newbeginning SET seconded_at = now(),"
    " seconded_by_id = (SELECT id FROM billing_user WHERE id <> by_id LIMIT 1)": "does not tell",
    "UPDATE billing_newbeginning SET reason = 'another'": "does nothing like it",
    "UPDATE billing_newbeginning SET at = now() + interval '1 day'": "does nothing like it",
    "DELETE FROM billing_newbeginning": "does nothing like it",
}


@pytest.mark.parametrize("statement", TRIES)
def test_the_application_can_neither_ask_nor_agree_untold(
    house: None, administrator: User, maker: User, as_application: None, statement: str
) -> None:
    row = anew.ask(by(administrator), "the sandbox was wiped")

    refused = pytest.raises(IntegrityError, match=TRIES[statement])
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    anew.agree(by(maker), "seen with Metronome")
    with transaction.atomic():
        anew.carried_out(set_aside=0)
    row.refresh_from_db()
    assert (row.reason, row.seconded_by) == ("the sandbox was wiped", maker)
    assert row.carried_out_at is not None
    assert NewBeginning.objects.count() == 1
