"""What a request came to: compared with Metronome, filed once, told where it differs, else read later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from billing.audit.models import AuditEvent
from billing.changes.agreeing import resolving
from billing.changes.applying import apply, comparing
from billing.changes.asking import submitting
from billing.changes.asking.kinds import KINDS
from billing.changes.asking.proposal import Effect
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest, Upshot, Word
from billing.changes.statuses import Status
from billing.metronome.account import Gateway
from billing.mirror.resource import Field
from billing.users import User
from tests.changes.test_status_by_action import bring
from tests.changes.test_tampering import without_guards
from tests.simulator_server import RunningSimulator
from tests.world import about, approve, by, propose

READ = "GET /v1/customers/{customer_id}"
ARCHIVE = {"clear_aliases": False, "open_business_reason": "moved", "typed_name": "", "reason": ""}


def upshot(change: ChangeRequest) -> tuple[int, int, list[str]]:
    found = Upshot.objects.get(change=change)
    return found.compared, found.missed, found.misses


def applied(change: ChangeRequest, gateway: Gateway) -> ChangeRequest:
    apply.apply_change(change.pk, gateway)
    change.refresh_from_db()
    assert change.status == "applied"
    return change


def ago(change: ChangeRequest, **time: float) -> None:
    """It was applied so much earlier, as the owner alone can say."""
    at = change.settled_at - timedelta(**time)
    with without_guards("billing_changerequest") as cursor:
        cursor.execute("UPDATE billing_changerequest SET settled_at = %s WHERE id = %s", [at, change.pk])


def test_a_renaming_is_compared_with_what_its_read_back_has_read(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, checker: User
) -> None:
    applied(approved, gateway)

    assert upshot(approved) == (1, 0, [])
    assert not AuditEvent.objects.filter(event_type="change.differed").exists()
    browser = Client()
    browser.force_login(checker)
    page = browser.get(f"/changes/{approved.reference}/").text
    assert "Came out as shown: 1 thing compared with Metronome" in " ".join(page.split())


def archiving(gateway: Gateway, snapshot: dict[str, Any], maker: User, *more: Effect) -> ChangeRequest:
    """A request that leaves the aliases where they are, with effects that are shown beside its own."""
    survey = read_survey(gateway, snapshot["id"])
    proposal = KINDS["customer.archive"].build(ARCHIVE, about(snapshot, survey))
    own = {effect.field: effect for effect in proposal.effects}
    assert own.keys() <= {"open_contracts", "finalized_invoices", "draft_invoices", "ingest_aliases"}
    assert own["ingest_aliases"].kept == snapshot["ingest_aliases"]
    assert {"open_contracts": len(survey["contracts"])}.items() <= {
        name: len(effect.gone) for name, effect in own.items()
    }.items() or not survey["contracts"]
    proposal = replace(proposal, effects=(*proposal.effects, *more))
    return submitting.submit(proposal, actor=by(maker), reason="the contract fell through")


def test_what_archiving_makes_by_itself_comes_out_as_shown(
    gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any], maker: User, checker: User,
    checker2: User,
) -> None:  # fmt: skip
    change = archiving(gateway, snapshot, maker)
    approve(change, checker, checker2)
    request = comparing.sealed.read(change.sealed)
    assert len(request.effects) >= 2

    applied(change, gateway)

    assert upshot(change) == (1 + len(request.effects), 0, [])


def test_what_came_out_otherwise_is_counted_told_and_shown(
    gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any], maker: User, checker: User,
    checker2: User, administrator: User,
) -> None:  # fmt: skip
    whole, alias = f"customer:{snapshot['id']}", snapshot["ingest_aliases"][0]
    wrong = Effect("one alias goes, too", whole, "ingest_aliases", gone=[alias], kept=["never there"])
    change = archiving(gateway, snapshot, maker, wrong)
    approve(change, checker, checker2)

    applied(change, gateway)

    compared, missed, misses = upshot(change)
    assert missed == 1
    shown = "It was shown that about one alias goes, too"
    assert misses == [f"{shown}: 1 of 1 still there ({alias}), 1 of 1 gone (never there)."]
    event = AuditEvent.objects.get(event_type="change.differed")
    assert (event.reference, event.new["missed"], event.new["misses"]) == (change.reference, 1, misses)
    browser = Client()
    browser.force_login(administrator)
    page = " ".join(browser.get(f"/changes/{change.reference}/").text.split())
    assert f"<strong>1 of {compared} came out differently from what was shown.</strong>" in page
    assert f"<li>{misses[0]}</li>" in page
    system = " ".join(browser.get("/system/").text.split())
    assert "1 of 1 applied request in 30 days came out differently" in system
    assert misses[0] in system


def test_what_differs_at_once_may_be_on_its_way(
    gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any], maker: User, checker: User,
    checker2: User, settings: Any,
) -> None:  # fmt: skip
    wrong = Effect("x", f"customer:{snapshot['id']}", "ingest_aliases", gone=snapshot["ingest_aliases"])
    change = archiving(gateway, snapshot, maker, wrong)
    approve(change, checker, checker2)
    settings.SETTLE_SECONDS = 180

    applied(change, gateway)

    assert not Upshot.objects.exists()
    assert change.next_try_at == change.settled_at + timedelta(seconds=180)
    ago(change, minutes=2)
    assert comparing.compare_forgotten(gateway) == 0  # its time has not come
    ChangeRequest.objects.update(next_try_at=None)
    ago(change, minutes=4)
    assert comparing.compare_forgotten(gateway) == 1
    assert upshot(change)[1] == 1
    assert comparing.compare_forgotten(gateway) == 0


def test_what_can_not_be_read_is_no_miss_and_is_read_later(
    submitted: ChangeRequest,
    checker: User,
    administrator: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
) -> None:
    """It was applied at a person's word, so nobody has read it; the simulator then fails each read."""
    bring(submitted, Status.UNKNOWN, checker)
    simulator.change("rename", snapshot["id"], name="Halcyon Freight GmbH")
    resolving.resolve(submitted.pk, actor=by(administrator), verdict=Word.TOOK_EFFECT, reason="I see it")
    submitted.refresh_from_db()
    assert comparing.compare_forgotten(gateway) == 0  # whoever applied it has 30 seconds
    ago(submitted, minutes=1)
    simulator.fault(READ, "status_before", status=503, message="busy")

    assert comparing.compare_forgotten(gateway) == 1

    assert not Upshot.objects.exists()
    submitted.refresh_from_db()
    assert submitted.next_try_at is not None
    assert comparing.compare_forgotten(gateway) == 0
    ChangeRequest.objects.update(next_try_at=None)
    assert comparing.compare_forgotten(gateway) == 1
    assert upshot(submitted) == (1, 0, [])


def test_a_claim_that_somebody_changed_since_is_a_miss(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any]
) -> None:
    applied(approved, gateway)
    with_other = "Somebody else’s name"
    simulator.change("rename", snapshot["id"], name=with_other)
    with without_guards("billing_upshot") as cursor:
        cursor.execute("DELETE FROM billing_upshot")

    comparing.compare(approved.pk, gateway)

    assert upshot(approved) == (
        1,
        1,
        [f"The name changed in Metronome: it was “Halcyon Freight GmbH”, now it is “{with_other}”."],
    )


def test_what_is_a_day_old_is_compared_no_more(
    approved: ChangeRequest, gateway: Gateway, checker: User
) -> None:
    applied(approved, gateway)
    with without_guards("billing_upshot") as cursor:
        cursor.execute("DELETE FROM billing_upshot")
    ago(approved, hours=25)

    assert comparing.compare_forgotten(gateway) == 0
    browser = Client()
    browser.force_login(checker)
    assert (
        "could not be compared with Metronome within a day"
        in browser.get(f"/changes/{approved.reference}/").text
    )


def test_it_is_filed_by_the_application(
    approved: ChangeRequest, gateway: Gateway, as_application: None
) -> None:
    applied(approved, gateway)

    assert upshot(approved) == (1, 0, [])


CAME_OUT: list[tuple[str, Any, Any, Any, bool]] = [
    ("text", "a", "b", "b", True),
    ("text", "a", "b", "a", False),
    ("flag", None, "when applied", "2026-01-01", True),
    ("flag", None, "when applied", None, False),
    ("set", ["a"], ["a", "b"], ["b"], True),
    ("set", ["a"], ["a", "b"], ["a"], False),
    ("set", ["a", "b"], ["a"], ["a", "c"], True),
    ("set", ["a", "b"], ["a"], ["a", "b"], False),
    ("set", None, ["a"], ["a"], True),
    ("mapping", {"k": "1", "o": "1"}, {"k": "2", "o": "1"}, {"k": "2", "o": "9"}, True),
    ("mapping", {"k": "1"}, {}, {}, True),
    ("mapping", {"k": "1"}, {}, {"k": "1"}, False),
    ("rows", {"x": "old"}, {"x": "new"}, {"x": "new", "y": "more"}, True),
    ("rows", {"x": "old"}, {"x": "new"}, {"x": "old"}, False),
    ("rows", {}, {"new": "plan"}, {"id": "plan"}, True),
    ("rows", {}, {"new": "plan"}, {"id": "other"}, False),
]


@pytest.mark.parametrize(("look", "before", "asked", "live", "so"), CAME_OUT)
def test_only_what_calls_changed_of_a_field_is_compared(
    look: str, before: Any, asked: Any, live: Any, so: bool
) -> None:
    assert Field("x", "x", look=look).came_out(before, asked, live) is so


def test_a_set_is_compared_as_far_as_it_was_changed(
    gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any], maker: User, checker: User
) -> None:
    entered = {"ingest_aliases": [*snapshot["ingest_aliases"], "meter-new"]}
    change = approve(propose("customer.realias", maker, entered, snapshot=snapshot), checker)

    applied(change, gateway)

    assert upshot(change) == (1, 0, [])
