"""What requests hold never meets, whoever proposes at once; and whose owner is busy, waits."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection

from billing.changes import queries
from billing.changes.applying import apply, claiming, settling
from billing.changes.asking import submitting
from billing.changes.asking.kinds import KINDS
from billing.changes.holds import Held, held, of_itself
from billing.changes.models import ChangeRequest, Hold
from billing.changes.refusals import SubjectBusy
from billing.metronome.account import Gateway
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import about, approve, by, mirrored, propose

CUSTOMER = of_itself("customer:1")
NAME = of_itself("customer:1", "name")
CONTRACT = Held("customer:1", "contract:9")
TERMS = Held("customer:1", "contract:9", "terms")


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (NAME, NAME, True),
        (NAME, of_itself("customer:1", "aliases"), False),
        (NAME, of_itself("customer:2", "name"), False),
        (CUSTOMER, NAME, True),
        (CUSTOMER, TERMS, True),
        (CUSTOMER, of_itself("customer:2"), False),
        (NAME, TERMS, False),
        (CONTRACT, TERMS, True),
        (CONTRACT, Held("customer:1", "contract:8", "terms"), False),
        (TERMS, Held("customer:1", "contract:9", "name"), False),
        (of_itself("alias:eu"), of_itself("alias:eu"), True),
        (of_itself("alias:eu"), of_itself("alias:EU"), False),
    ],
)
def test_two_parts_meet_where_one_request_would_overwrite_the_other(
    one: Held, other: Held, meet: bool
) -> None:
    assert (one.meets(other), other.meets(one)) == (meet, meet)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (CUSTOMER, "this customer"),
        (NAME, "this customer’s name"),
        (of_itself("alias:EU 1"), "the alias “EU 1”"),
    ],
)
def test_a_part_is_named_for_people(part: Held, words: str) -> None:
    assert part.words == words


@pytest.mark.parametrize("again", range(3))
def test_of_two_who_ask_at_once_for_the_whole_and_a_part_one_is_refused(
    maker: User,
    checker: User,
    snapshot: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    again: int,
) -> None:
    """No index can tell these two; the lock of the owner makes the second one see the first."""
    whole = of_itself("customer:77")
    parts = {maker: whole, checker: of_itself("customer:77", "name")}
    monkeypatch.setattr(submitting, "in_the_way", lambda wanted: None)
    built = KINDS["customer.rename"].build({"name": "Another GmbH"}, about(snapshot))
    start, outcomes = Barrier(2), []

    def ask(person: User) -> None:
        try:
            start.wait()
            submitting.submit(replace(built, holds=(parts[person],)), actor=by(person), reason="as agreed")
            outcomes.append("in")
        except IntegrityError as refusal:
            outcomes.append("held by another open request" in str(refusal))
        finally:
            connection.close()

    askers = [Thread(target=ask, args=[person]) for person in parts]
    for each in askers:
        each.start()
    for each in askers:
        each.join()

    assert sorted(map(str, outcomes)) == ["True", "in"]
    assert Hold.objects.filter(owner="customer:77", is_open=True).count() == 1


def test_a_moved_aliass_taker_is_busy_too_while_nobody_knows_what_became_of_it(
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    taker = mirrored(gateway, simulator, position=8)
    alias = snapshot["ingest_aliases"][0]
    moving = propose(
        "customer.move_alias", maker, {"ingest_aliases": [alias], "to": taker["id"]}, snapshot=snapshot
    )
    naming = approve(propose("customer.rename", maker, {"name": "Taker AG"}, snapshot=taker), checker)
    approve(moving, *[checker, checker2][: moving.steps.get().people])
    simulator.fault("POST /v1/customers/{customer_id}/setIngestAliases", "drop_after")

    apply.apply_change(moving.pk, gateway)
    moving.refresh_from_db()
    assert moving.status == "unknown"
    assert claiming.claim_change(naming.pk) is None
    assert claiming.claim_next(()) is None
    assert queries.waited_for([naming]) == {naming.pk: moving}

    ChangeRequest.objects.filter(pk=moving.pk).update(next_try_at=None)
    settling.settle_change(moving.pk, gateway)
    apply.apply_change(moving.pk, gateway)
    moving.refresh_from_db()
    assert moving.status == "applied"
    assert not Hold.objects.filter(change=moving, is_open=True).exists()
    assert queries.waited_for([naming]) == {}
    apply.apply_change(naming.pk, gateway)
    naming.refresh_from_db()
    assert naming.status == "applied"


def test_a_claim_that_comes_too_late_takes_nothing(
    approved: ChangeRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker took a request on the same owner between the look and the claim: the index refuses."""
    other = Hold.objects.get(change=approved)
    monkeypatch.setattr(claiming, "due", lambda now: ChangeRequest.objects.filter(pk=approved.pk))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_hold DISABLE TRIGGER USER")
        cursor.execute(
            "INSERT INTO billing_hold (change_id, owner, thing, field_group, is_open, is_busy)"
            " SELECT change_id, owner, 'contract:1', '*', true, true FROM billing_hold"
        )

    assert claiming.claim_change(approved.pk) is None

    approved.refresh_from_db()
    other.refresh_from_db()
    assert (approved.status, other.is_busy) == ("approved", False)


def test_an_open_request_is_named_with_what_it_holds(
    submitted: ChangeRequest, snapshot: dict[str, Any], maker: User
) -> None:
    with pytest.raises(
        SubjectBusy, match=f"{submitted.reference} is open and already changes this customer’s name"
    ):
        propose("customer.rename", maker, {"name": "Another GmbH"}, snapshot=snapshot)

    assert [held(row) for row in submitted.holds.all()] == [of_itself(f"customer:{snapshot['id']}", "name")]
