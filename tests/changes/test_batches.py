"""Everyday requests decided together: all or none, each over its own digest, never one that is gated."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from billing.audit.actors import person
from billing.audit.models import AuditEvent
from billing.changes.agreeing import batches
from billing.changes.asking import policy
from billing.changes.models import ChangeRequest, Decision, Verdict
from billing.changes.refusals import BadInput, NotAllowed, NotWhatYouSaw, WrongState
from billing.users import User
from tests.world import approve, install_policy, propose

RULES = importlib.import_module("billing.migrations.0026_everyday_changes_may_be_batched").RULES
FIRST = importlib.import_module("billing.migrations.0004_default_policy").RULES


@pytest.fixture
def everyday(house: None, maker: User) -> list[ChangeRequest]:
    """Three requests that a policy lets be decided together."""
    install_policy(RULES)
    return [creating(maker, number) for number in range(3)]


def creating(maker: User, number: int) -> ChangeRequest:
    fields = {"name": f"Everyday {number}", "ingest_aliases": [f"everyday-{number}"], "custom_fields": {}}
    return propose("customer.create", maker, fields)


def judged(changes: list[ChangeRequest]) -> list[tuple[str, str]]:
    return [(change.reference, change.digest) for change in changes]


def decide(
    changes: list[tuple[str, str]], who: User, verdict: Verdict = Verdict.APPROVE, reason: str = ""
) -> Any:
    return batches.decide_together(changes, actor=person(who), verdict=verdict, reason=reason)


def expect_untouched(changes: list[ChangeRequest], recorded: int) -> None:
    """Nothing is decided, nothing moved, nothing is on record."""
    assert not Decision.objects.filter(change__in=changes).exists()
    assert {
        change.status for change in ChangeRequest.objects.filter(pk__in=[each.pk for each in changes])
    } == {"submitted"}
    assert AuditEvent.objects.count() == recorded


@pytest.mark.parametrize(
    ("verdict", "reason", "status"), [("approve", "", "approved"), ("reject", "not as agreed", "rejected")]
)
def test_each_has_its_own_decision_and_audit_row_over_its_digest(
    everyday: list[ChangeRequest], checker: User, verdict: str, reason: str, status: str
) -> None:
    decide(judged(everyday), checker, Verdict(verdict), reason)

    for change in everyday:
        change.refresh_from_db()
        assert change.status == status
        assert list(change.decisions.values_list("checker", "verdict", "digest", "reason")) == [
            (checker.pk, verdict, change.digest, reason)
        ]
        event = AuditEvent.objects.get(reference=change.reference, event_type=f"change.{status}")
        assert (event.digest, event.actor_id, event.reason) == (change.digest, checker.pk, reason)


def test_one_gated_row_gates_all(
    everyday: list[ChangeRequest], maker: User, checker: User, snapshot: dict[str, Any]
) -> None:
    removing = propose("customer.realias", maker, {"ingest_aliases": []}, snapshot=snapshot)
    recorded = AuditEvent.objects.count()
    assert batches.batchable([*everyday, removing]) == {change.pk for change in everyday}

    with pytest.raises(batches.Gated, match=f"^{removing.reference} is judged on its own page"):
        decide(judged([*everyday, removing]), checker)

    expect_untouched([*everyday, removing], recorded)


def test_one_that_fails_undoes_all_and_is_named(
    everyday: list[ChangeRequest], maker: User, checker: User, checker2: User
) -> None:
    first, second, third = everyday
    recorded = AuditEvent.objects.count()
    tampered = [*judged([first, second]), (third.reference, "0" * 64)]
    for refusal, wrong, who in [
        (NotWhatYouSaw, tampered, checker),
        (BadInput, [*judged([first]), ("CR-999999", "0" * 64)], checker),
        (BadInput, [], checker),
        (BadInput, judged([first, first]), checker),
        (BadInput, [(f"CR-{n:06}", "0" * 64) for n in range(1, 52)], checker),
        (NotAllowed, judged(everyday), maker),
    ]:
        with pytest.raises(refusal):
            decide(wrong, who)
        expect_untouched(everyday, recorded)
    with pytest.raises(BadInput, match="Say why"):
        decide(judged(everyday), checker, Verdict.REJECT)
    expect_untouched(everyday, recorded)

    approve(third, checker2)
    recorded = AuditEvent.objects.count()
    with pytest.raises(WrongState, match=f"^{third.reference} is approved, queued"):
        decide(judged(everyday), checker)
    expect_untouched([first, second], recorded)


def test_a_request_of_ones_own_is_in_no_batch(everyday: list[ChangeRequest], checker: User) -> None:
    own = creating(checker, 9)
    recorded = AuditEvent.objects.count()

    with pytest.raises(NotAllowed, match=f"^{own.reference}: You proposed this"):
        decide(judged([*everyday, own]), checker)

    expect_untouched([*everyday, own], recorded)


def test_the_policy_a_request_was_sealed_under_says_whether_it_may(
    everyday: list[ChangeRequest], maker: User
) -> None:
    install_policy(FIRST)
    later = creating(maker, 7)
    install_policy(RULES)

    assert batches.batchable([*everyday, later]) == {change.pk for change in everyday}


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"may_be_batched": "yes"}, "may_be_batched is true or false"),
        ({"may_be_batched": True, "typed_confirmation": True}, "a name can't be typed for several at once"),
    ],
)
def test_a_rule_that_makes_no_sense_is_not_installed(rule: dict[str, Any], problem: str) -> None:
    steps = [{"role": "manager", "people": 1}]

    with pytest.raises(policy.PolicyInvalid, match=problem):
        policy.check_rules([{"name": "R", "kinds": ["*"], "steps": steps, **rule}])


def test_the_policy_that_an_installation_starts_with_is_valid_and_batches_everyday_changes_only() -> None:
    policy.check_rules(RULES)
    assert [rule["name"] for rule in RULES if rule.get("may_be_batched")] == ["Everyday changes"]
