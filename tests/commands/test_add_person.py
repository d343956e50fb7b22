"""Giving somebody an account: a checked password that never travels on a command line, and a record of it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from billing.audit.models import AuditEvent
from billing.users import User

pytestmark = pytest.mark.django_db

PASSWORD = "seven-quiet-otters"


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return str(path)


def add(*words: str, **options: str) -> str:
    said = io.StringIO()
    call_command("add_person", *words, stdout=said, **options)
    return said.getvalue()


def nobody_was_added() -> bool:
    return not User.objects.exists() and not AuditEvent.objects.exists()


def test_a_person_is_added_with_the_password_of_a_file(password_file: str) -> None:
    said = add("mona", name="Mona Manager", role="manager", password_file=password_file)

    person = User.objects.get()
    assert (person.username, person.name, person.role) == ("mona", "Mona Manager", "manager")
    assert person.check_password(PASSWORD)
    assert (person.is_active, person.is_staff, person.is_superuser) == (True, False, False)
    assert said == "Mona Manager can sign in as mona (Manager).\n"
    event = AuditEvent.objects.get()
    assert (event.event_type, event.actor_text) == ("person.added", "manage.py add_person")
    assert (event.subject_id, event.subject_text) == (str(person.pk), "Mona Manager")
    assert event.new == {"username": "mona", "name": "Mona Manager", "role": "manager"}


def test_a_mail_address_is_kept_and_on_record(password_file: str) -> None:
    add("mona", name="Mona", role="manager", email=" mona@books.example ", password_file=password_file)

    assert User.objects.get().email == "mona@books.example"
    assert AuditEvent.objects.get().new["email"] == "mona@books.example"


@pytest.mark.parametrize(
    "address", ["mona", "mona@", "a@b.example\nBcc: eve@evil.example", "a@b.example, c@d.example"]
)
def test_what_is_no_mail_address_adds_nobody(password_file: str, address: str) -> None:
    with pytest.raises(CommandError, match="email: Enter a valid email address"):
        add("mona", name="Mona", role="manager", email=address, password_file=password_file)
    assert nobody_was_added()


def test_the_password_is_asked_for_twice_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    answers = iter([PASSWORD, PASSWORD])
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))

    add("mona", name="Mona", role="finance")

    assert User.objects.get().check_password(PASSWORD)


def test_two_passwords_that_differ_add_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    answers = iter([PASSWORD, "seven-quiet-0tters"])
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))

    with pytest.raises(CommandError, match="The two passwords differ"):
        add("mona", name="Mona", role="finance")
    assert nobody_was_added()


def test_without_a_terminal_and_a_file_nobody_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)

    with pytest.raises(CommandError, match="use --password-file"):
        add("mona", name="Mona", role="finance")
    assert nobody_was_added()


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("short", "at least 12 characters"),
        ("password1234", "too common"),
        ("monamanager1", "too similar to the username"),
        ("", "first line is empty"),
        ("\nsecond-line-only", "first line is empty"),
    ],
)
def test_a_weak_password_adds_nobody(tmp_path: Path, password: str, sentence: str) -> None:
    path = tmp_path / "password"
    path.write_text(password, encoding="utf-8")

    with pytest.raises(CommandError, match=sentence):
        add("monamanager", name="Mona", role="finance", password_file=str(path))
    assert nobody_was_added()


@pytest.mark.parametrize(
    ("username", "name", "sentence"),
    [
        ("mona manager", "Mona", "username: Enter a valid username"),
        ("", "Mona", "username: This field cannot be blank"),
        ("mona", "  ", "name: This field cannot be blank"),
        ("mona", "M" * 121, "name: Ensure this value has at most 120 characters"),
        ("mona", "Mo\x00na", "name: This holds a character that nobody can read"),
        ("mona", "Mo\ud800na", "name: This holds a character that nobody can read"),
        ("mona", "Mo\nna", "name: This holds a character that nobody can read"),
    ],
)
def test_a_person_without_a_proper_name_is_not_added(
    password_file: str, username: str, name: str, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        add(username, name=name, role="finance", password_file=password_file)
    assert nobody_was_added()


def test_a_username_is_given_once(password_file: str) -> None:
    add("mona", name="Mona", role="manager", password_file=password_file)

    with pytest.raises(CommandError, match="already exists"):
        add("mona", name="Another", role="finance", password_file=password_file)

    assert User.objects.get().role == "manager"
    assert AuditEvent.objects.count() == 1


def test_a_role_that_does_not_exist_is_refused(password_file: str) -> None:
    with pytest.raises(CommandError, match="invalid choice: 'owner'"):
        add("mona", "--name=Mona", "--role=owner", f"--password-file={password_file}")
    assert nobody_was_added()


def test_a_file_that_can_not_be_read_adds_nobody(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can’t be read"):
        add("mona", name="Mona", role="finance", password_file=str(tmp_path / "none"))
    assert nobody_was_added()


@pytest.mark.parametrize("taken", ["Finance", "FINANCE", "finance", " finance"])
def test_a_name_that_differs_only_in_case_is_refused(taken: str, password_file: str) -> None:
    add("finance", name="Priya", role="finance", password_file=password_file)

    with pytest.raises(CommandError, match="Nobody was added"):
        add(taken, name="Twin", role="manager", password_file=password_file)

    assert [person.username for person in User.objects.all()] == ["finance"]
    assert AuditEvent.objects.count() == 1


def test_the_database_refuses_a_twin_as_well(password_file: str) -> None:
    add("finance", name="Priya", role="finance", password_file=password_file)

    with pytest.raises(IntegrityError, match="usernames_differ_in_more_than_case"), transaction.atomic():
        User.objects.create(username="FINANCE", name="Twin", role="manager")


def test_a_byte_order_mark_is_no_part_of_the_password(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n", encoding="utf-8-sig")

    add("mona", name="Mona", role="finance", password_file=str(path))

    assert User.objects.get().check_password(PASSWORD)
