"""What the application never does is refused to its role; what it does comes with its audit row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.errors import RestrictViolation

from billing.audit.models import AuditEvent
from billing.changes.applying import apply
from billing.changes.models import ChangeRequest, PolicyVersion, Resolution, Survey
from billing.control import freezing
from billing.control.models import Freeze, Installation
from billing.metronome.account import Gateway
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, propose

NOT_DONE = "the application does nothing like it"
UNTOLD = "the record does not tell of it"
OLD_SESSIONS = "every session of before ends with a change of rights"
OWNERS = "only migrations write here"
KEPT = "these rows are kept"
OF_MANAGER = "FROM billing_user u, billing_changerequest c WHERE u.username = 'manager'"
OF_ADMIN = "FROM billing_user u, billing_changerequest c WHERE u.username = 'admin'"
RESOLUTION = (
    "INSERT INTO billing_resolution (change_id, verdict, reason, by_id, needs_second%s) SELECT c.id, "
)
SURVEY = (
    "INSERT INTO billing_survey (uuid, customer_id, asked_by_id, error%s)"
    " SELECT gen_random_uuid(), c.customer_id, "
)

LOOK = (
    "INSERT INTO billing_lookup (call_id, looked_at, verdict, counts, sentence, evidence)"
    " SELECT id, %s, 'not_applied', true, 'x', '[]' FROM billing_call"
)

TRIES = {
    "a decision that nobody is told of": (
        "INSERT INTO billing_decision (change_id, maker_id, step_id, checker_id, number, verdict, reason,"
        " digest) SELECT c.id, c.maker_id, s.id, u.id, 1, 'approve', '', c.digest"
        " FROM billing_user u, billing_changerequest c JOIN billing_approvalstep s ON s.change_id = c.id"
        " WHERE u.username = 'manager'",
        UNTOLD,
    ),
    "a withdrawal that nobody is told of": (
        "UPDATE billing_changerequest SET status = 'withdrawn', settled_at = now()",
        UNTOLD,
    ),
    "a block of what is not agreed": (
        "UPDATE billing_changerequest SET status = 'blocked'",
        "cannot go from submitted to blocked",
    ),
    "another role": ("UPDATE billing_user SET role = 'manager' WHERE username = 'finance'", OLD_SESSIONS),
    "a person switched off": ("UPDATE billing_user SET is_active = false", OLD_SESSIONS),
    "another sign-in name": ("UPDATE billing_user SET username = 'x' WHERE username = 'finance'", NOT_DONE),
    "another password": ("UPDATE billing_user SET password = 'x' WHERE username = 'manager'", UNTOLD),
    "a new person": (
        "INSERT INTO billing_user (username, password, name, role, email, is_active, is_staff, is_superuser,"
        " date_joined) VALUES ('eve', 'x', 'Eve', 'manager', '', true, false, false, now())",
        UNTOLD,
    ),
    "a person removed": ("DELETE FROM billing_user WHERE username = 'auditor'", KEPT),
    "a policy without people": (
        "INSERT INTO billing_policyversion (version, rules) VALUES (99, '[]')",
        NOT_DONE,
    ),
    "a freeze": (
        "INSERT INTO billing_freeze (id, frozen, cause, reason) VALUES (1, true, 'person', 'x')",
        UNTOLD,
    ),
    "another account": ("UPDATE billing_installation SET environment = 'production'", NOT_DONE),
    "another identity": ("UPDATE billing_installation SET uuid = gen_random_uuid()", NOT_DONE),
    "another token": ("UPDATE billing_installation SET token_fingerprint = 'x'", UNTOLD),
    "no account": ("DELETE FROM billing_installation", KEPT),
    "a survey answered at once": (
        (SURVEY % ", content, answered_at") + "u.id, '', '{}', now() " + OF_MANAGER,
        NOT_DONE,
    ),
    "a survey for who proposes nothing": ((SURVEY % "") + "u.id, '' " + OF_ADMIN, NOT_DONE),
    "an attempt of what nobody claimed": (
        "INSERT INTO billing_attempt (call_id, number, generation, reference, claim_token, sent_at,"
        " arrived_late, message) SELECT id, 1, 1, 'x', gen_random_uuid(), now(), false, '' FROM billing_call",
        NOT_DONE,
    ),
    "a call refused before it was sent": ("UPDATE billing_call SET status = 'refused'", NOT_DONE),
    "a call that took effect": ("UPDATE billing_call SET status = 'applied', result = '{}'", UNTOLD),
    "a result without effect": ('UPDATE billing_call SET result = \'{"id": "x"}\'', NOT_DONE),
    "a call that goes under a fresh key": ("UPDATE billing_call SET generation = 2", UNTOLD),
    "a word on what needs nobody": (
        (RESOLUTION % "") + "'took_effect', 'x', u.id, false " + OF_ADMIN,
        NOT_DONE,
    ),
    "a look at what was never sent": ((LOOK % "now()"), NOT_DONE),
    "a look put back in time": ((LOOK % "now() - interval '1 hour'"), NOT_DONE),
    "a migration to come, said to be done": (
        "INSERT INTO django_migrations (app, name, applied) VALUES ('billing', '9999_more_guards', now())",
        OWNERS,
    ),
    "a migration to be done again": ("DELETE FROM django_migrations WHERE app = 'billing'", OWNERS),
    "a group": ("INSERT INTO auth_group (name) VALUES ('x')", OWNERS),
    "a permission": ("UPDATE auth_permission SET codename = 'x'", OWNERS),
    "a manager's word": ((RESOLUTION % "") + "'leave_it', 'x', u.id, false " + OF_MANAGER, NOT_DONE),
}


@pytest.fixture
def application(
    submitted: ChangeRequest,
    checker: User,
    auditor: User,
    administrator: User,
    application_url: str,
) -> Iterator[psycopg.Connection]:
    with psycopg.connect(application_url, autocommit=True) as opened:
        yield opened


def everything() -> list[Any]:
    models = (ChangeRequest, User, PolicyVersion, Freeze, Installation, Survey, Resolution, AuditEvent)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("what", TRIES)
def test_the_role_is_refused_what_the_application_never_does(
    application: psycopg.Connection, what: str
) -> None:
    statement, words = TRIES[what]
    before = everything()

    with pytest.raises(RestrictViolation, match=words):
        application.execute(statement)

    assert everything() == before


def test_the_life_of_a_request_as_the_application(
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    administrator: User,
    as_application: None,
) -> None:
    """Proposed, approved, frozen, let go on, sent and filed by the role that owns nothing."""
    change = approve(
        propose("customer.rename", maker, {"name": "Halcyon Freight GmbH"}, snapshot=snapshot), checker
    )
    assert freezing.freeze(by(administrator), "a look at the books")
    apply.apply_change(change.pk, gateway)
    assert simulator.ledger() == []
    assert freezing.unfreeze(by(administrator), "all is well")
    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "applied"
    assert len(simulator.ledger()) == 1


def test_a_hash_that_is_renewed_at_sign_in_is_on_record(
    maker: User, client: Any, settings: Any, as_application: None
) -> None:
    old = maker.password
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]

    answer = client.post("/accounts/login/", {"login": "finance", "password": "countersign-demo"})

    maker.refresh_from_db()
    assert (answer.status_code, maker.password == old) == (302, False)
    told = AuditEvent.objects.filter(event_type="person.password_changed", subject_id=str(maker.pk))
    assert [event.reason for event in told] == ["Hashed anew at sign-in; the password is the same."]
