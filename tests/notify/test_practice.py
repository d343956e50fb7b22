"""The application's database role tells, mails and marks as read; it makes no notice say another thing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.errors import RestrictViolation

from billing.audit.models import AuditEvent
from billing.changes.models import ChangeRequest
from billing.notify import mailing, telling
from billing.notify.models import Mail, Notice
from billing.users import User
from tests.notify.conftest import Mailroom, decide, pass_time, told
from tests.pages.conftest import propose_rename

MAIL = (
    "INSERT INTO billing_mail (uuid, person_id, address, state, tries, error)"
    " SELECT gen_random_uuid(), id, %s, %s, 0, '' FROM billing_user WHERE username = 'auditor'"
)
TRIES = {
    "another sentence": "UPDATE billing_notice SET headline = 'x'",
    "another way in": "UPDATE billing_notice SET path = '/x/'",
    "somebody else's": "UPDATE billing_notice SET person_id = "
    "(SELECT id FROM billing_user WHERE role = 'auditor')",
    "unread again": "UPDATE billing_notice SET read_at = NULL WHERE read_at IS NOT NULL",
    "a notice gone": "DELETE FROM billing_notice",
    "a mail gone": "DELETE FROM billing_mail",
    "a mail to elsewhere": MAIL % ("'eve@evil.example'", "'waiting'"),
    "a mail sent by nobody": MAIL % ("email", "'given_up'"),
    "another address": "UPDATE billing_mail SET address = 'eve@evil.example'",
    "a mail sent twice": "UPDATE billing_mail SET state = 'waiting', sent_at = NULL WHERE state = 'sent'",
    "a notice in another mail": "UPDATE billing_notice SET mail_id = NULL WHERE mail_id IS NOT NULL",
}


@pytest.fixture
def application(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User], application_url: str
) -> Iterator[psycopg.Connection]:
    """The application's role, when one notice is read and its mail is sent."""
    pass_time(minutes=1)
    mailing.gather()
    mailing.deliver()
    telling.read(people["manager"], list(Notice.objects.values_list("pk", flat=True)))
    with psycopg.connect(application_url, autocommit=True) as opened:
        yield opened


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Notice, Mail, User, AuditEvent)]


@pytest.mark.parametrize("what", TRIES)
def test_the_role_is_refused(application: psycopg.Connection, what: str) -> None:
    before = everything()

    with pytest.raises(RestrictViolation, match="the application does nothing like it"):
        application.execute(TRIES[what])

    assert everything() == before


def test_another_mail_address_is_refused_unless_the_record_tells_of_it(
    application: psycopg.Connection,
) -> None:
    before = everything()

    with pytest.raises(RestrictViolation, match="the record does not tell of it"):
        application.execute("UPDATE billing_user SET email = 'eve@evil.example'")

    assert everything() == before


def test_who_a_person_is_stays_refused(application: psycopg.Connection) -> None:
    own, rights = (
        "the application does nothing like it",
        "every session of before ends with a change of rights",
    )
    columns = {
        "username = 'x'": own,
        "name = 'x'": own,
        "role = 'manager'": rights,
        "is_active = false": rights,
    }
    for column, words in columns.items():
        with pytest.raises(RestrictViolation, match=words):
            application.execute("UPDATE billing_user SET " + column + " WHERE username = 'auditor'")  # noqa: S608


def test_telling_mailing_and_reading_as_the_application(
    mailroom: Mailroom,
    people: dict[str, User],
    customer: Any,
    as_application: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailing, "GATHER", timedelta(0))
    change = propose_rename(customer, people["finance"], "Halcyon Logistics GmbH")
    mailing.gather()
    assert mailing.deliver() == 2
    decide(change, people["manager"])
    [notice] = Notice.objects.filter(person=people["finance"])

    assert telling.read(people["finance"], [notice.pk]) == 1

    assert told(people["finance"]) == [("approved", True)]
    assert told(people["manager2"]) == [("waits", True)]
