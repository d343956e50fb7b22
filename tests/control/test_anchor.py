"""Which Metronome a database belongs to: written once, held against ever after."""

from __future__ import annotations

import pytest

from billing.audit.models import AuditEvent
from billing.control.anchor import AnchorMismatch, NotAnchored, accept_token, anchor, installation
from billing.control.models import Installation

pytestmark = pytest.mark.django_db

URL = "https://api.metronome.com"


def test_a_new_database_is_not_anchored_yet() -> None:
    with pytest.raises(NotAnchored):
        installation()


def test_the_first_start_anchors_and_records_it_once() -> None:
    first = anchor("sandbox", URL)
    second = anchor("sandbox", "https://elsewhere.example")

    assert first == second == installation()
    assert (second.environment, second.base_url) == ("sandbox", URL)
    event = AuditEvent.objects.get()
    assert event.event_type == "installation.anchored"
    assert event.new == {"environment": "sandbox", "base_url": URL}


def test_another_environment_is_refused_and_changes_nothing() -> None:
    before = anchor("sandbox", URL)

    with pytest.raises(AnchorMismatch, match="this database belongs to sandbox"):
        anchor("production", URL)

    assert installation().environment == "sandbox"
    assert installation().uuid == before.uuid
    assert AuditEvent.objects.count() == 1


def test_an_environment_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="staging"):
        anchor("staging", URL)

    assert not Installation.objects.exists()


def test_a_token_and_address_found_to_be_ours_are_noted_with_what_they_replace() -> None:
    anchor("sandbox", URL)

    accept_token("aaaa", URL)
    accept_token("bbbb", "https://elsewhere.example")

    assert installation().token_fingerprint == "bbbb"
    assert installation().base_url == "https://elsewhere.example"
    events = AuditEvent.objects.order_by("id")
    assert [(event.old, event.new) for event in events[1:]] == [
        ({"token": "", "base_url": URL}, {"token": "aaaa", "base_url": URL}),
        ({"token": "aaaa", "base_url": URL}, {"token": "bbbb", "base_url": "https://elsewhere.example"}),
    ]
