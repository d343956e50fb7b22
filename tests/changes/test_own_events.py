"""The newest events that concern a person: what they did, and what befell their requests."""

from __future__ import annotations

import pytest
from django.db import transaction

from billing.audit import log
from billing.audit.actors import person, system
from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes import queries
from billing.users import User
from tests.pages.conftest import add_customer, add_people, open_house, propose_rename


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    open_house()
    return add_people()


def write(text: str, *, by: User | None = None, reference: str = "") -> int:
    with transaction.atomic():
        actor = person(by) if by else system("sweep")
        subject = log.Subject(kind="change", id="7", text=text, reference=reference)
        return log.record(Event.LIST_EXPORTED, actor=actor, subject=subject).pk


def test_they_are_a_persons_own_and_those_about_their_requests(people: dict[str, User]) -> None:
    maker, other = people["finance"], people["manager"]
    mine = propose_rename(add_customer("Halcyon"), maker, "Halcyon Logistics")
    theirs = propose_rename(add_customer("Larkspur"), other, "Larkspur Ltd")
    told = [
        write("done by the maker", by=maker),
        write("befell the request", reference=mine.reference),
        write("the maker, on another's", by=maker, reference=theirs.reference),
    ]
    write("befell another's", reference=theirs.reference)
    write("nobody's")

    found = queries.newest_events_for(maker, 50)

    assert found[:3] == told[::-1]
    about = AuditEvent.objects.filter(pk__in=found).values_list("reference", "actor_id")
    assert all(reference == mine.reference or actor == maker.pk for reference, actor in about)
    assert queries.newest_events_for(maker, 2) == told[:0:-1]
    assert queries.newest_events_for(people["auditor"], 8) == []
