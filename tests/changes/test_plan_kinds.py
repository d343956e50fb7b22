"""A customer put on a plan, and a plan's end set, moved and taken away."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing.changes import sealed
from billing.changes.applying import apply
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest
from billing.changes.refusals import BadInput, SubjectBusy
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_account
from billing.mirror.resources import plan as mirror
from billing.mirror.resources.subscription import subscription_rows, subscriptions
from billing.pages.requests.differences import differences
from billing.users import User
from tests.changes.test_apply import settle_until_known
from tests.simulator_server import RunningSimulator
from tests.world import about, approve, mirrored, propose

END = "POST /v1/customers/{customer_id}/plans/{customer_plan_id}/end"
TERMS = {"net_payment_terms_days": None, "trial_days": None}


@pytest.fixture
def subscriber(gateway: Gateway, simulator: RunningSimulator) -> dict[str, Any]:
    """A mirrored customer with a plan that has no end."""
    refresh_account(gateway, pauses=())
    return mirrored(gateway, simulator, position=2)


@pytest.fixture
def of(subscriber: dict[str, Any]) -> str:
    """Its subscription."""
    (only,) = subscription_rows(subscriber["id"])
    return only


def adding(starting_on: str, ending_before: str = "", **more: Any) -> dict[str, Any]:
    plan_id = str(mirror.plans_on_offer()[1].id)
    return {"plan_id": plan_id, "starting_on": starting_on, "ending_before": ending_before, **TERMS, **more}


def ending(of: str, day: str) -> dict[str, Any]:
    return {"customer_plan_id": of, "how": "ends" if day else "goes_on", "ending_before": day}


def in_metronome(simulator: RunningSimulator, of: str) -> dict[str, Any]:
    return simulator.control("GET", "snapshot")["main"]["customer_plans"][of]


def test_a_plan_is_added_and_mirrored(
    subscriber: dict[str, Any],
    maker: User,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    entered = adding("2031-01-01", "2032-01-01", net_payment_terms_days=45, trial_days=30)
    change = approve(propose("plan.add", maker, entered, snapshot=subscriber), checker)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.explanation) == ("applied", "")
    made = change.calls.get().result["id"]
    assert in_metronome(simulator, made)["net_payment_terms_days"] == 45
    name = mirror.plans_on_offer()[1].name
    words = f"{name}, from 2031-01-01, up to 2032-01-01"
    assert subscription_rows(subscriber["id"])[made] == words
    assert change.sentence == (
        f"Put “{subscriber['name']}” on the plan “{name}” from 2031-01-01 up to 2032-01-01,"
        " with 30 days of trial and 45 days to pay."
    )
    (told,) = differences(sealed.read(change.sealed))
    assert [(each.label, each.before, each.after) for each in told.fields] == [("Plans, one more", "", words)]


@pytest.mark.parametrize(
    ("dates", "titles", "facts"),
    [
        (("2031-01-01", ""), ["Another plan is in force at the same time."], (False, 1)),
        (
            ("2020-01-01", ""),
            ["The plan begins in the past.", "Another plan is in force at the same time."],
            (True, 1),
        ),
        (("2000-01-01", "2000-02-01"), ["The plan begins in the past."], (True, 0)),
    ],
)
def test_overlaps_and_past_days_are_cautions_and_facts(
    dates: tuple[str, str],
    titles: list[str],
    facts: tuple[bool, int],
    subscriber: dict[str, Any],
) -> None:
    proposal = KINDS["plan.add"].build(adding(*dates), about(subscriber))

    assert [warning.title for warning in proposal.warnings] == titles
    assert (proposal.facts["backdated"], proposal.facts["overlapping_plans"]) == facts


def test_a_plan_that_somebody_adds_meanwhile_makes_it_stale(
    subscriber: dict[str, Any],
    maker: User,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    change = approve(propose("plan.add", maker, adding("2031-01-01"), snapshot=subscriber), checker)
    plan = mirror.plans_on_offer()[0]
    body = {"plan_id": str(plan.id), "starting_on": "2030-01-01T00:00:00Z"}
    simulator.change("POST /v1/customers/{customer_id}/plans/add", subscriber["id"], **body)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.explanation) == (
        "stale",
        f"The plans changed in Metronome: “{plan.name}, from 2030-01-01, no end” is new.",
    )


def test_the_end_is_set_moved_and_taken_away_again(
    subscriber: dict[str, Any],
    of: str,
    maker: User,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    name = next(iter(subscriptions(subscriber["id"]))).plan.name
    whose = f"the plan “{name}” of “{subscriber['name']}”"
    steps = [
        ("2031-01-01", f"End {whose} before 2031-01-01."),
        ("2032-01-01", f"Move the end of {whose} to 2032-01-01."),
        ("", f"Take away the end of {whose}: it goes on for good."),
    ]
    for day, sentence in steps:
        change = approve(propose("plan.end", maker, ending(of, day), snapshot=subscriber), checker)
        assert change.sentence == sentence

        apply.apply_change(change.pk, gateway)

        change.refresh_from_db()
        assert (change.status, change.explanation) == ("applied", "")
        assert (in_metronome(simulator, of)["ending_before"] or "")[:10] == day
        body = sealed.read(change.sealed).call(1).http.body
        assert body == ({"ending_before": f"{day}T00:00:00Z"} if day else {})
        undone = KINDS["plan.end"].undoing(sealed.read(change.sealed))
        former = {"2031-01-01": "", "2032-01-01": "2031-01-01", "": "2032-01-01"}[day]
        assert undone == ending(of, former)


def test_an_ending_without_its_answer_is_found_and_not_sent_twice(
    subscriber: dict[str, Any],
    of: str,
    maker: User,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    change = approve(propose("plan.end", maker, ending(of, "2031-01-01"), snapshot=subscriber), checker)
    simulator.fault(END, "drop_after")

    apply.apply_change(change.pk, gateway)
    settle_until_known(change, gateway)

    assert change.status == "applied"
    assert len(simulator.ledger()) == 1


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"how": "ends"}, "ending_before", "Say the day. Without one, the plan’s end would be taken away."),
        ({"how": "ends", "ending_before": "soon"}, "ending_before", "Enter a day in the form 2026-12-31."),
        ({"how": "goes_on", "ending_before": "2031-01-01"}, "ending_before", "Clear the day"),
        ({"how": "goes_on"}, "how", "It has no end as it is."),
        ({"how": "ends", "ending_before": "2000-01-01"}, "ending_before", "the end can’t be before."),
        ({"how": ""}, "how", "Choose one."),
    ],
)
def test_no_form_takes_an_end_away_by_accident(
    typed: dict[str, str],
    field: str,
    words: str,
    subscriber: dict[str, Any],
    of: str,
    maker: User,
) -> None:
    browser = Client()
    browser.force_login(maker)
    address = f"/changes/new/plan.end/?customer={subscriber['id']}"

    answer = browser.post(address, {"customer_plan_id": of, "reason": "ordered", **typed})

    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors[field])
    assert not ChangeRequest.objects.exists()


def test_without_a_day_there_is_no_call_unless_that_was_said(subscriber: dict[str, Any], of: str) -> None:
    from billing.metronome.operations import operation
    from billing.metronome.operations.plans.end import Ending

    for day, goes_on in (("", False), ("2031-01-01", True)):
        with pytest.raises(ValueError, match="say which"):
            operation("plans.end").show(Ending(subscriber["id"], of, day, goes_on=goes_on))


def test_a_plan_of_somebody_else_and_the_end_that_it_has_are_refused(
    subscriber: dict[str, Any], of: str, gateway: Gateway, simulator: RunningSimulator, maker: User
) -> None:
    other = mirrored(gateway, simulator, position=3)
    with pytest.raises(BadInput, match="none of this customer’s plans"):
        propose("plan.end", maker, ending(of, "2031-01-01"), snapshot=other)
    body = {"ending_before": "2031-01-01T00:00:00Z"}
    ids = {"customer_plan_id": of}
    simulator.control(
        "POST", "change", {"what": END, "customer_id": subscriber["id"], "ids": ids, "body": body}
    )
    mirrored(gateway, simulator, position=2)
    with pytest.raises(BadInput, match="It ends then already"):
        propose("plan.end", maker, ending(of, "2031-01-01"), snapshot=subscriber)


def test_one_request_at_a_time_changes_a_customers_plans_and_its_page_offers_both(
    subscriber: dict[str, Any], of: str, maker: User
) -> None:
    change = propose("plan.add", maker, adding("2031-01-01"), snapshot=subscriber)
    with pytest.raises(SubjectBusy, match=change.reference):
        propose("plan.end", maker, ending(of, "2031-01-01"), snapshot=subscriber)
    browser = Client()
    browser.force_login(maker)

    offers = {offer.kind: offer for offer in browser.get(f"/customers/{subscriber['id']}/").context["offers"]}

    assert offers["plan.add"].blocked_by == offers["plan.end"].blocked_by == change.reference
    assert offers["customer.rename"].blocked_by == ""


def test_two_plans_that_read_alike_are_told_apart_by_their_ids(
    subscriber: dict[str, Any], maker: User, checker: User, gateway: Gateway
) -> None:
    made = []
    for _again in range(2):
        change = approve(propose("plan.add", maker, adding("2031-01-01"), snapshot=subscriber), checker)
        apply.apply_change(change.pk, gateway)
        made.append(change.calls.get().result["id"])

    field = KINDS["plan.end"].form(about(subscriber)).fields["customer_plan_id"]

    words = dict(field.choices)
    assert [words[of].endswith(f"({of})") for of in made] == [True, True]
    assert sum(text.endswith(")") for text in words.values()) == 2
