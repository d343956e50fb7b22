"""The freeze: one switch with a reason, each turn of it on record, and no turn that changes nothing."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from billing.audit.actors import person
from billing.audit.models import AuditEvent
from billing.control import freezing
from billing.control.models import Freeze
from billing.users import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def alex() -> User:
    return User.objects.create_user(username="alex", password="x", name="Alex", role="administrator")


def recorded() -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.order_by("id")
    return [(event.event_type, event.actor_text, event.reason) for event in events]


def test_a_new_installation_is_not_frozen() -> None:
    assert freezing.is_frozen() is False
    assert freezing.state().frozen is False
    assert not Freeze.objects.exists()


def test_a_person_freezes_and_unfreezes_with_reasons(alex: User) -> None:
    assert freezing.freeze(person(alex), "month end") is True
    assert freezing.is_frozen() is True
    state = freezing.state()
    assert (state.cause, state.reason, state.changed_by) == ("person", "month end", alex)

    assert freezing.unfreeze(person(alex), "books are closed") is True
    assert freezing.is_frozen() is False
    assert recorded() == [
        ("applying.frozen", "Alex", "month end"),
        ("applying.unfrozen", "Alex", "books are closed"),
    ]


def test_turning_what_is_turned_already_changes_and_records_nothing(alex: User) -> None:
    assert freezing.unfreeze(person(alex), "just in case") is False
    freezing.freeze(person(alex), "month end")

    assert freezing.freeze(person(alex), "another reason") is False
    assert freezing.halt("401 Unauthorized") is False

    assert freezing.state().reason == "month end"
    assert recorded() == [("applying.frozen", "Alex", "month end")]


def test_the_worker_halts_with_its_own_cause() -> None:
    assert freezing.halt("401 Unauthorized") is True

    state = freezing.state()
    assert (state.frozen, state.cause, state.reason, state.changed_by) == (
        True,
        "halt",
        "401 Unauthorized",
        None,
    )
    assert recorded() == [("applying.halted", "changes worker", "401 Unauthorized")]


def test_a_freeze_without_a_reason_is_refused(alex: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        freezing.freeze(person(alex), "")

    assert freezing.is_frozen() is False
    assert recorded() == []


def test_the_switch_can_be_held_still_by_a_transaction(alex: User) -> None:
    with transaction.atomic():
        assert freezing.is_frozen(locked=True) is False

    freezing.freeze(person(alex), "month end")
    with transaction.atomic():
        assert freezing.is_frozen(locked=True) is True
