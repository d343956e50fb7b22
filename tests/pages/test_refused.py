"""What only the database refuses is answered in words, with nothing written, whenever its rule fires."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from billing.audit import log
from billing.audit.models import AuditEvent
from billing.changes.asking import submitting
from billing.changes.holds import Held
from billing.changes.models import ChangeRequest, Decision, Hold
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.pages.conftest import propose_rename

Browser = Callable[[str], Client]


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that the pages don't know of: nothing is put on record any more."""
    monkeypatch.setattr(log, "record", lambda *args, **kwargs: None)


def test_a_rule_that_fires_when_the_transaction_ends_is_told_in_words(
    browser: Browser,
    renaming: ChangeRequest,
    as_application: None,
    untold: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = browser("finance")

    answer = client.post(f"/changes/{renaming.reference}/withdraw/", {"reason": "not wanted"})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "The database refused this, so nothing of it is done" in page
    assert "UPDATE on billing_changerequest refused: the record does not tell of it." in page
    assert answer["X-Request-ID"] in page
    renaming.refresh_from_db()
    assert renaming.status == "submitted"
    assert list(Hold.objects.values_list("is_open", flat=True)) == [True]
    assert "withdraw/ was refused by the database: UPDATE on billing_changerequest" in caplog.text


def test_under_htmx_it_is_a_toast_and_what_was_typed_stays(
    browser: Browser, renaming: ChangeRequest, as_application: None, untold: None
) -> None:
    client = browser("manager")
    said = {"verdict": "approve", "digest": renaming.digest}

    answer = client.post(f"/changes/{renaming.reference}/decide/", said, headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Retarget"]) == (409, "#toasts")
    assert "the record does not tell of it." in answer.content.decode()
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("verdict", "reject", "A rejection has a reason."),
        ("digest", "0" * 64, "Decision refused: the request is not waiting, its digest differs, or "),
        ("step_id", 10**9, "Decision refused: "),
        ("maker_id", 10**9, "A decision knows the maker."),
        ("reason", None, "Something that this needs isn’t there."),
    ],
)
def test_a_constraint_is_told_by_its_name_which_is_a_sentence(
    browser: Browser,
    renaming: ChangeRequest,
    monkeypatch: pytest.MonkeyPatch,
    column: str,
    value: Any,
    rule: str,
) -> None:
    """A page that would write what no row may hold; the one who decides has not done it wrong."""
    create = Decision.objects.create
    monkeypatch.setattr(Decision.objects, "create", lambda **row: create(**row | {column: value}))
    before = AuditEvent.objects.count()

    answer = browser("manager").post(
        f"/changes/{renaming.reference}/decide/", {"verdict": "approve", "digest": renaming.digest}
    )

    assert answer.status_code == 409
    assert f"Its rule: {rule}" in answer.content.decode()
    assert (Decision.objects.count(), AuditEvent.objects.exclude(event_type="person.signed_in").count()) == (
        0,
        before,
    )


def test_two_who_ask_for_the_same_at_once_are_told_which_request_was_first(
    people: dict[str, User],
    browser: Browser,
    ready: None,
    halcyon: Customer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The look before comes too early for the second; the index finds them, and the words are the same."""
    busy = submitting.in_the_way
    looks: list[Any] = []

    def at_once(wanted: tuple[Held, ...]) -> Hold | None:
        looks.append(busy(wanted))
        if len(looks) == 1:
            looks.append(propose_first())
            return None
        return busy(wanted)

    def propose_first() -> ChangeRequest:
        monkeypatch.setattr(submitting, "in_the_way", busy)
        made = propose_rename(halcyon, people["manager"], "Halcyon Logistics")
        monkeypatch.setattr(submitting, "in_the_way", at_once)
        return made

    monkeypatch.setattr(submitting, "in_the_way", at_once)
    answer = browser("finance").post(
        f"/changes/new/customer.rename/?customer={halcyon.pk}",
        {"name": "Halcyon Logistics GmbH", "reason": "as agreed"},
    )

    first = ChangeRequest.objects.get()
    assert answer.status_code == 422
    assert f"{first.reference} is open and already changes this customer’s name." in answer.content.decode()
    assert first.maker == people["manager"]
