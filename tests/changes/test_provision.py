"""A customer provisioned by one request: created, its billing provider set, put on a plan."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing.audit.models import AuditEvent
from billing.changes import queries, sealed
from billing.changes.agreeing import resolving
from billing.changes.applying import apply
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest, Word
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_account
from billing.mirror.resources import plan as mirrored_plans
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.subscription import subscription_rows
from billing.pages.requests.differences import differences
from billing.users import User
from tests.changes.test_apply import settle_until_known
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, propose

ROUTES = [
    "POST /v1/customers",
    "POST /v1/setCustomerBillingProviderConfigurations",
    "POST /v1/customers/{customer_id}/plans/add",
]
MADE = "‹id from call 1›"
ADDRESS = "/changes/new/customer.provision/"


@pytest.fixture
def plan(gateway: Gateway) -> Any:
    """A mirrored plan."""
    refresh_account(gateway, pauses=())
    return mirrored_plans.plans_on_offer()[0]


def typed(plan: Any, **other: str) -> dict[str, str]:
    """What a person types into the form."""
    return {
        "name": "Tide Water Robotics ApS",
        "ingest_aliases": "tide-water\ntide-water-dk",
        "custom_field:segment": "mid-market",
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "stripe_customer_id": "cus_R2tW81nQ",
        "stripe_collection_method": "send_invoice",
        "plan_id": str(plan.id),
        "starting_on": "2031-12-01",
        "ending_before": "2032-12-01",
        "net_payment_terms_days": "30",
        "trial_days": "14",
        "reason": "Signed order OF-1207.",
        **other,
    }


@pytest.fixture
def sent(plan: Any, maker: User) -> ChangeRequest:
    """The request, as sent from the form."""
    browser = Client()
    browser.force_login(maker)
    answer = browser.post(ADDRESS, typed(plan))
    assert answer.status_code == 302, answer.context["form"].errors
    return ChangeRequest.objects.get()


@pytest.fixture
def agreed(sent: ChangeRequest, checker: User) -> ChangeRequest:
    return approve(sent, checker)


def made_customer(simulator: RunningSimulator) -> dict[str, Any]:
    return simulator.customer(alias="tide-water")


def effects(simulator: RunningSimulator) -> list[str]:
    """The routes by which we wrote, in order."""
    ours = [each for each in simulator.ledger() if each["user_agent"].startswith("countersign/")]
    return [each["route"] for each in ours]


def test_three_calls_are_sealed_the_later_ones_with_the_id_that_the_first_will_make(
    sent: ChangeRequest, plan: Any
) -> None:
    request = sealed.read(sent.sealed)

    assert [call.http.path for call in request.calls] == [
        "/v1/customers",
        "/v1/setCustomerBillingProviderConfigurations",
        f"/v1/customers/{MADE}/plans/add",
    ]
    assert request.call(2).http.body == {
        "data": [
            {
                "customer_id": MADE,
                "billing_provider": "stripe",
                "configuration": {
                    "stripe_customer_id": "cus_R2tW81nQ",
                    "stripe_collection_method": "send_invoice",
                },
                "delivery_method": "direct_to_billing_provider",
            }
        ]
    }
    assert request.call(3).http.body == {
        "plan_id": str(plan.id),
        "starting_on": "2031-12-01T00:00:00Z",
        "ending_before": "2032-12-01T00:00:00Z",
        "net_payment_terms_days": 30,
        "trial_spec": {"length_in_days": 14},
    }
    assert request.sentence == (
        "Create the customer “Tide Water Robotics ApS” with 2 ingest aliases, then bill it through "
        f"Stripe (cus_R2tW81nQ, Send the invoice) and put it on the plan “{plan.name}” "
        "from 2031-12-01 up to 2032-12-01, with 14 days of trial and 30 days to pay."
    )
    (told,) = differences(request)
    assert ("Plans, one more", f"{plan.name}, from 2031-12-01, up to 2032-12-01") in [
        (each.label, each.after) for each in told.fields
    ]


def test_it_is_applied_call_by_call_and_the_mirror_has_customer_and_plan(
    agreed: ChangeRequest, plan: Any, gateway: Gateway, simulator: RunningSimulator
) -> None:
    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert (agreed.status, agreed.explanation) == ("applied", "")
    assert effects(simulator) == ROUTES
    customer = made_customer(simulator)
    assert str(agreed.about_customer) == customer["id"]
    assert mirror.snapshot(customer["id"])["custom_fields"] == {"segment": "mid-market"}
    (row,) = subscription_rows(customer["id"]).values()
    assert row == f"{plan.name}, from 2031-12-01, up to 2032-12-01"
    told = AuditEvent.objects.filter(reference=agreed.reference, event_type="call.applied")
    assert {str(event.customer_id) for event in told} == {customer["id"]}
    assert [change.pk for change in queries.for_customer(customer["id"])] == [agreed.pk]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("fault", "options"), [("drop_before", {}), ("drop_after", {}), ("status_after", {"status": 500})]
)
def test_silence_at_any_call_costs_time_and_never_a_second_effect(
    number: int,
    fault: str,
    options: dict[str, Any],
    agreed: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    simulator.fault(ROUTES[number - 1], fault, **options)

    apply.apply_change(agreed.pk, gateway)
    settle_until_known(agreed, gateway)

    assert agreed.status == "applied", agreed.explanation
    assert effects(simulator) == ROUTES


def test_who_leaves_between_two_calls_stops_the_rest_and_a_person_looks(
    agreed: ChangeRequest,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take, turns = Gateway.take_write_token, []

    def leave_before_the_second(self: Gateway, seconds: float) -> None:
        take(self, seconds)
        turns.append(seconds)
        if len(turns) == 2:
            User.objects.filter(pk=checker.pk).update(is_active=False)

    monkeypatch.setattr(Gateway, "take_write_token", leave_before_the_second)
    apply.apply_change(agreed.pk, gateway)
    ChangeRequest.objects.filter(pk=agreed.pk).update(next_try_at=None)
    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert (agreed.status, agreed.needs_person) == ("partly_applied", True)
    assert agreed.explanation == (
        "Call 2 was not sent. Mona Manager, who approved this, is not active any more."
    )
    assert effects(simulator) == ROUTES[:1]


@pytest.mark.parametrize("number", [2, 3])
def test_what_took_effect_before_a_refusal_stays_and_a_person_goes_on(
    number: int,
    agreed: ChangeRequest,
    administrator: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    simulator.fault(ROUTES[number - 1], "status_before", status=400, message="not today")
    apply.apply_change(agreed.pk, gateway)
    agreed.refresh_from_db()
    assert (agreed.status, agreed.needs_person) == ("partly_applied", True)
    assert agreed.explanation == f"Call {number} was refused by Metronome: not today"
    assert effects(simulator) == ROUTES[: number - 1]

    word = Word.GO_ON
    resolving.resolve(agreed.pk, actor=by(administrator), verdict=word, reason="it is set up now")
    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert agreed.status == "applied"
    assert effects(simulator) == ROUTES


def test_what_was_done_is_undone_by_archiving_the_new_customer(
    agreed: ChangeRequest,
    administrator: User,
    maker: User,
    checker2: User,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    simulator.fault(ROUTES[2], "status_before", status=400, message="not today")
    apply.apply_change(agreed.pk, gateway)
    word = Word.UNDO
    resolving.resolve(agreed.pk, actor=by(administrator), verdict=word, reason="the order was cancelled")
    customer = made_customer(simulator)
    browser = Client()
    browser.force_login(maker)

    page = browser.get(f"/changes/{agreed.reference}/")
    link = f"/changes/new/customer.archive/?undo={agreed.reference}&amp;customer={customer['id']}"
    assert link in page.text
    form = browser.get(f"/changes/new/customer.archive/?undo={agreed.reference}&customer={customer['id']}")
    assert form.status_code == 200
    agreed.refresh_from_db()
    undo = propose(
        "customer.archive",
        maker,
        {"clear_aliases": True, "open_business_reason": ""},
        snapshot=mirror.snapshot(customer["id"]),
        survey=read_survey(gateway, customer["id"]),
        replaces=agreed,
    )
    approve(undo, checker, checker2)
    apply.apply_change(undo.pk, gateway)

    undo.refresh_from_db()
    assert undo.status == "applied"
    assert made_customer(simulator) is None


def test_an_alias_taken_or_a_plan_renamed_meanwhile_makes_it_stale_before_anything_is_sent(
    agreed: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    state = simulator.control("GET", "snapshot")
    plan_id = sealed.read(agreed.sealed).call(3).params.plan_id
    state["main"]["plans"][plan_id]["name"] = "Another plan"
    simulator.control("POST", "restore", state)
    simulator.change("create", name="Somebody", ingest_aliases=["tide-water-dk"])

    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert agreed.status == "stale"
    assert "The name changed in Metronome" in agreed.explanation
    assert "“tide-water-dk” is held by Somebody" in agreed.explanation
    assert effects(simulator) == []
