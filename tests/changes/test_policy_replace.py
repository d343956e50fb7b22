"""The approval policy changes by a request: done here, in one transaction, as the old policy asks."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.test import Client
from psycopg.errors import RestrictViolation

from billing.audit.models import AuditEvent
from billing.changes.applying import apply, sweeping
from billing.changes.asking import policy
from billing.changes.local.policy import ReplacePolicy
from billing.changes.models import Attempt, ChangeRequest, Hold, PolicyVersion
from billing.changes.refusals import BadInput, SubjectBusy
from billing.control import freezing
from billing.metronome.account import Gateway
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import DEFAULT_RULES, approve, by, install_policy, propose

RULES = [
    *DEFAULT_RULES,
    {
        "name": "Two for a new policy",
        "kinds": ["policy.replace"],
        "when": [],
        "steps": [{"role": "manager", "people": 2}],
    },
]


@pytest.fixture
def replacing(house: None, maker: User) -> ChangeRequest:
    return propose("policy.replace", maker, {"rules": RULES})


def test_it_is_in_force_once_somebody_else_agreed_and_nothing_is_sent(
    replacing: ChangeRequest, maker: User, checker: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    before = policy.current()
    assert replacing.sentence == f"Replace the approval policy by version {before.version + 1}, with 4 rules."

    approve(replacing, checker)
    apply.apply_change(replacing.pk, gateway)

    replacing.refresh_from_db()
    now = policy.current()
    assert (replacing.status, now.version, now.rules) == ("applied", before.version + 1, RULES)
    assert now.installed_by == maker
    assert (simulator.ledger(), Attempt.objects.count()) == ([], 0)
    assert not Hold.objects.filter(is_open=True).exists()
    told = AuditEvent.objects.filter(reference=replacing.reference).order_by("pk")
    assert list(told.values_list("event_type", flat=True)) == [
        "change.submitted",
        "change.approved",
        "policy.installed",
        "call.applied",
        "change.applied",
    ]
    assert policy.requirement("policy.replace", {"irreversible": False}).steps == (("manager", 2),)


def test_a_policy_that_moved_meanwhile_makes_it_stale(
    replacing: ChangeRequest, checker: User, gateway: Gateway
) -> None:
    approve(replacing, checker)
    install_policy(DEFAULT_RULES[:1])

    apply.apply_change(replacing.pk, gateway)

    replacing.refresh_from_db()
    number = policy.current().version
    assert (replacing.status, replacing.explanation) == (
        "stale",
        f"The version changed here: it was “{number - 1}”, now it is “{number}”.",
    )


def test_a_freeze_holds_it_up_too(
    replacing: ChangeRequest, checker: User, gateway: Gateway, administrator: User
) -> None:
    approve(replacing, checker)
    version = policy.current().version
    freezing.freeze(actor=by(administrator), reason="month end")

    apply.apply_change(replacing.pk, gateway)

    replacing.refresh_from_db()
    assert (replacing.status, policy.current().version) == ("approved", version)


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_worker_that_dies_at_it_leaves_it_done_once_or_not_at_all(
    replacing: ChangeRequest, checker: User, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    approve(replacing, checker)
    carry_out, deaths = ReplacePolicy.carry_out, [SystemExit()]

    def die(self: ReplacePolicy, change: ChangeRequest, params: Any) -> Any:
        if point == "after":
            carry_out(self, change, params)
        if deaths:
            raise deaths.pop()
        return carry_out(self, change, params)

    monkeypatch.setattr(ReplacePolicy, "carry_out", die)
    with pytest.raises(SystemExit):
        apply.apply_change(replacing.pk, gateway)
    monkeypatch.setattr(ReplacePolicy, "carry_out", carry_out)
    version = policy.current().version
    ChangeRequest.objects.filter(pk=replacing.pk).update(lease_until="2020-01-01T00:00:00Z")

    sweeping.sweep(gateway)
    sweeping.sweep(gateway)

    replacing.refresh_from_db()
    assert (replacing.status, policy.current().version) == ("applied", version + 1)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({}, "A policy is a list of rules."),
        (DEFAULT_RULES, "Those are the rules in force already."),
        ([{"name": "x"}], "Rule 1 (x) names no kinds."),
        (
            [{"name": "x", "kinds": ["*"], "steps": [{"role": "finance", "people": 1}]}],
            "Rule 1 (x): finance may not decide.",
        ),
        (
            [{"name": "x", "kinds": ["*"], "steps": [{"role": "manager", "people": 0}]}],
            "Rule 1 (x): a step asks for 1 to 5 people.",
        ),
    ],
)
def test_what_is_no_policy_is_refused_at_its_field(house: None, maker: User, rules: Any, words: str) -> None:
    install_policy(DEFAULT_RULES)

    with pytest.raises(BadInput) as refusal:
        propose("policy.replace", maker, {"rules": rules})

    assert (refusal.value.message, refusal.value.field) == (words, "rules")
    assert not ChangeRequest.objects.exists()


def test_two_replacements_are_never_open_at_once(replacing: ChangeRequest, checker: User) -> None:
    with pytest.raises(SubjectBusy, match=replacing.reference):
        propose("policy.replace", checker, {"rules": RULES[1:]})


def test_its_page_tells_what_changes_and_its_form_is_not_there_yet(
    replacing: ChangeRequest, checker: User, client: Client
) -> None:
    client.force_login(checker)

    page = client.get(f"/changes/{replacing.reference}/").content.decode()

    assert "Two for a new policy" in page
    assert "HERE" in page
    assert "1 added" in page
    assert "Exactly what will be done here" in page
    assert "lets the worker do exactly the" in page
    assert "Idempotency key" not in page
    assert client.get("/changes/new/policy.replace/").status_code == 404


@pytest.mark.parametrize("rules", ["'[]'", "r.rules"])
def test_the_application_role_installs_no_policy_but_the_one_that_was_agreed(
    replacing: ChangeRequest, application_url: str, rules: str
) -> None:
    statement = (
        "INSERT INTO billing_policyversion (version, rules, installed_by_id)"  # noqa: S608
        f" SELECT r.version + 1, {rules}, c.maker_id FROM billing_policyversion r, billing_changerequest c"
        " ORDER BY r.version DESC LIMIT 1"
    )
    with psycopg.connect(application_url, autocommit=True) as application, pytest.raises(RestrictViolation):
        application.execute(statement)

    assert not PolicyVersion.objects.filter(rules=[]).exists()
