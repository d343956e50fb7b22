"""What the application's own database role tries, and what the database says to it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, RestrictViolation

from billing.audit.models import AuditEvent
from billing.changes.models import ChangeRequest
from billing.users import User
from tests.world import approve, propose

TOUCH = "UPDATE billing_changerequest SET check_error = 'touched'; "
AUDIT = (
    "INSERT INTO billing_auditevent (%s event_type, actor_text, actor_role, subject_type, subject_id,"
    " subject_text, reference, digest, reason, user_agent, request_id)"
    " VALUES (%s 'change.approved', 'x', '', '', '', '', '', '', '', '', '')"
)


@pytest.fixture
def application(submitted: ChangeRequest, application_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(application_url, autocommit=True) as opened:
        yield opened


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("CREATE TEMP TABLE billing_decision (id int)", InsufficientPrivilege),
        ("CREATE TEMP VIEW billing_user AS SELECT 1", InsufficientPrivilege),
        ("CREATE TABLE public.billing_shadow (id int)", InsufficientPrivilege),
        ("CREATE SCHEMA shadow", InsufficientPrivilege),
        ("TRUNCATE billing_auditevent", InsufficientPrivilege),
        ("ALTER TABLE billing_auditevent DISABLE TRIGGER ALL", InsufficientPrivilege),
        ("SET session_replication_role = replica", InsufficientPrivilege),
        (
            "CREATE OR REPLACE FUNCTION billing_is_agreed(c billing_changerequest) RETURNS boolean"
            " LANGUAGE sql AS 'SELECT true'",
            InsufficientPrivilege,
        ),
        ("UPDATE billing_changerequest SET status = 'approved'", RestrictViolation),
        ("UPDATE billing_changerequest SET sealed = sealed || ' '", RestrictViolation),
        ("DELETE FROM billing_changerequest", RestrictViolation),
        ("DELETE FROM billing_approvalstep", RestrictViolation),
        ("UPDATE billing_call SET operation = 'customers.archive'", RestrictViolation),
        ("UPDATE billing_auditevent SET reason = 'x'", RestrictViolation),
        ("DELETE FROM billing_auditevent", RestrictViolation),
        (AUDIT % ("id,", "1000000,"), psycopg.errors.ObjectNotInPrerequisiteState),
        ("UPDATE billing_changerequest SET not_before = now() + interval '9 years'", RestrictViolation),
        ("UPDATE billing_changerequest SET next_try_at = 'infinity'", RestrictViolation),
        ("UPDATE billing_changerequest SET lease_until = 'infinity'", RestrictViolation),
        ("UPDATE billing_changerequest SET settled_at = now()", RestrictViolation),
        ("UPDATE billing_changerequest SET born = pg_current_xact_id()", RestrictViolation),
        ("UPDATE billing_hold SET is_open = false", RestrictViolation),
        ("UPDATE billing_hold SET is_busy = true", RestrictViolation),
        ("UPDATE billing_hold SET owner = 'customer:other'", RestrictViolation),
        ("UPDATE billing_hold SET thing = 'customer:other'", RestrictViolation),
        ("UPDATE billing_hold SET field_group = '*'", RestrictViolation),
        ("DELETE FROM billing_hold", RestrictViolation),
        (
            "INSERT INTO billing_hold (change_id, owner, thing, field_group, is_open, is_busy)"
            " SELECT id, 'customer:more', 'customer:more', '*', true, false FROM billing_changerequest",
            RestrictViolation,
        ),
        ("UPDATE billing_user SET is_superuser = true", psycopg.errors.CheckViolation),
    ],
)
def test_the_role_is_refused(
    application: psycopg.Connection, submitted: ChangeRequest, statement: str, error: type[Exception]
) -> None:
    before = AuditEvent.objects.count()

    with pytest.raises(error):
        application.execute(statement)

    submitted.refresh_from_db()
    assert (submitted.status, AuditEvent.objects.count()) == ("submitted", before)


def test_the_records_time_and_transaction_are_the_databases_own(application: psycopg.Connection) -> None:
    application.execute(AUDIT % ("occurred_at, xid,", "'1999-01-01', '1',"))

    row = application.execute(
        "SELECT occurred_at > now() - interval '1 minute', xid > '1'"
        " FROM billing_auditevent ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert row == (True, True)


def test_a_number_of_ones_own_is_refused_after_an_honest_one(application: psycopg.Connection) -> None:
    application.execute(AUDIT % ("", ""))

    with pytest.raises(RestrictViolation, match="numbers its own rows"):
        application.execute(AUDIT % ("id,", "1000000,"))


def test_every_function_of_ours_names_where_it_looks(application: psycopg.Connection) -> None:
    rows = application.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND"
        " (proconfig IS NULL OR NOT 'search_path=pg_catalog, public, pg_temp' = ANY (proconfig))"
    ).fetchall()
    assert rows == []


@pytest.mark.parametrize(
    "part",
    [
        "INSERT INTO billing_approvalstep (change_id, position, role, people)"
        " SELECT id, 7, 'auditor', 1 FROM billing_changerequest",
        "INSERT INTO billing_call (change_id, position, operation, key, status, generation, finding)"
        " SELECT id, 7, 'customers.archive', gen_random_uuid(), 'waiting', 1, '' FROM billing_changerequest",
        "INSERT INTO billing_hold (change_id, owner, thing, field_group, is_open, is_busy)"
        " SELECT id, 'customer:more', 'customer:more', '*', true, false FROM billing_changerequest",
    ],
)
def test_touching_a_request_first_adds_nothing_to_it(application: psycopg.Connection, part: str) -> None:
    with pytest.raises(RestrictViolation, match="cannot be added later"):
        application.execute(TOUCH + part)

    assert application.execute("SELECT check_error FROM billing_changerequest").fetchone() == ("",)


UNAGREED = "nobody has agreed to this change of rights"
FORGED = {
    "another role": ("role = 'manager', session_generation = 1 WHERE username = 'finance'", UNAGREED),
    "a role that was not asked for": (
        "role = 'administrator', session_generation = 1 WHERE username = 'finance'",
        UNAGREED,
    ),
    "a role with the old sessions": (
        "role = 'manager' WHERE username = 'finance'",
        "every session of before",
    ),
    "sessions of before": ("session_generation = 0 WHERE username = 'gone'", "every session of before"),
    "somebody deactivated": (
        "is_active = false, left_at = now(), session_generation = 1 WHERE username = 'finance'",
        UNAGREED,
    ),
    "somebody let in": (
        "is_active = true, session_generation = 6 WHERE username = 'gone'",
        UNAGREED,
    ),
    "an end that nobody is told of": (
        "is_active = false, session_generation = 1 WHERE username = 'finance'",
        "the record does not tell of it",
    ),
}


@pytest.mark.parametrize("what", FORGED)
@pytest.mark.parametrize("is_agreed", [False, True])
def test_the_application_changes_no_rights_but_as_agreed(
    house: None,
    maker: User,
    checker: User,
    administrator: User,
    application_url: str,
    what: str,
    is_agreed: bool,
) -> None:
    """Not even with a request that was agreed to, before a worker carries it out."""
    second = _add("admin2", "administrator")
    User.objects.filter(pk=_add("gone", "finance").pk).update(is_active=False, session_generation=5)
    entered = {"person": maker, "role": "manager"}
    change = propose("person.set_role", administrator, entered)
    if is_agreed:
        approve(change, second)
    statement, words = FORGED[what]
    before = list(User.objects.order_by("pk").values())

    with (
        psycopg.connect(application_url, autocommit=True) as application,
        pytest.raises(RestrictViolation, match=words),
    ):
        application.execute(f"UPDATE billing_user SET {statement}")  # noqa: S608

    assert list(User.objects.order_by("pk").values()) == before


def test_the_database_takes_no_decision_about_oneself(
    house: None, administrator: User, application_url: str
) -> None:
    second, _third = _add("admin2", "administrator"), _add("admin3", "administrator")
    propose("person.set_role", administrator, {"person": second, "role": "auditor"})
    statement = (
        "INSERT INTO billing_decision (change_id, maker_id, step_id, checker_id, number, verdict, reason,"
        " digest) SELECT c.id, c.maker_id, s.id, u.id, 1, 'approve', '', c.digest FROM billing_user u,"
        " billing_changerequest c JOIN billing_approvalstep s ON s.change_id = c.id"
        " WHERE u.username = 'admin2'"
    )

    with (
        psycopg.connect(application_url, autocommit=True) as application,
        pytest.raises(RestrictViolation, match="nobody decides about their own rights"),
    ):
        application.execute(statement)


def _add(username: str, role: str) -> User:
    return User.objects.create_user(username=username, name=username.title(), role=role)
