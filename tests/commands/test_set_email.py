"""Another mail address for a person's notices: checked, on record with the one before, or not changed."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from billing.audit.models import AuditEvent
from billing.users import User


@pytest.fixture
def mona(transactional_db: None) -> User:
    return User.objects.create_user(
        username="mona", password="seven-quiet-otters", name="Mona", role="manager", email="old@books.example"
    )


def set_email(*words: str) -> str:
    said = io.StringIO()
    call_command("set_email", *words, stdout=said)
    return said.getvalue()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("new@books.example", "Mona's notices are mailed to new@books.example.\n"),
        ("", "Mona's notices are not mailed any more.\n"),
    ],
)
def test_an_address_changes_on_record(mona: User, as_application: None, address: str, words: str) -> None:
    assert set_email("mona", address) == words

    mona.refresh_from_db()
    assert mona.email == address
    event = AuditEvent.objects.get()
    assert (event.event_type, event.actor_text) == ("person.email_changed", "manage.py set_email")
    assert (event.subject_id, event.subject_text) == (str(mona.pk), "Mona")
    assert (event.old, event.new) == ({"email": "old@books.example"}, {"email": address})


@pytest.mark.parametrize(
    ("username", "address", "words"),
    [
        ("nobody", "new@books.example", "Nobody signs in as nobody."),
        ("mona", "old@books.example", "It was so already."),
        ("mona", "new", "Enter a valid email address."),
        ("mona", "a@b.example\nBcc: eve@evil.example", "Enter a valid email address."),
    ],
)
def test_what_makes_no_sense_changes_nothing(mona: User, username: str, address: str, words: str) -> None:
    with pytest.raises(CommandError, match=f"Nothing was changed. {words}"):
        set_email(username, address)

    mona.refresh_from_db()
    assert mona.email == "old@books.example"
    assert not AuditEvent.objects.exists()
