"""What is typed about a request survives a refusal, and every status says how it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.template.loader import get_template
from django.test import Client

from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status
from billing.pages.requests import facts
from billing.users import User

SignIn = Callable[[User], Client]


def test_every_status_has_its_own_template(submitted: ChangeRequest, checker: User) -> None:
    page = facts.read(submitted, checker)
    for status in Status:
        row = ChangeRequest(status=status)
        get_template(replace(page, change=row).state_template)
    assert replace(page, change=ChangeRequest(blocked_at=submitted.submitted_at)).state_template == (
        "changes/states/blocked.html"
    )


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"verdict": "approve", "digest": "0" * 64}, 409, "not this request. Read it again"),
        ({"verdict": "maybe"}, 422, "Choose to approve or to reject."),
        ({}, 422, "Choose to approve or to reject."),
        ({"verdict": "reject", "reason": "x" * 2001}, 422, "2000 characters"),
    ],
)
def test_a_refused_decision_keeps_the_reason_and_names_the_digest_anew(
    sent: dict[str, str], status: int, words: str, submitted: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    entered = {"digest": submitted.digest, "reason": "seen the order", **sent}

    answer = as_person(checker).post(f"/changes/{submitted.reference}/decide/", entered)

    assert answer.status_code == status
    assert words in answer.text
    assert f"{entered['reason']}</textarea>" in answer.text
    assert f'name="digest" value="{submitted.digest}"' in answer.text
    submitted.refresh_from_db()
    assert (submitted.status, submitted.decisions.count()) == ("submitted", 0)


def test_a_decision_that_comes_too_late_says_so_on_the_page_as_it_is_now(
    approved: ChangeRequest, checker2: User, as_person: SignIn
) -> None:
    sent = {"verdict": "approve", "digest": approved.digest}

    answer = as_person(checker2).post(f"/changes/{approved.reference}/decide/", sent)

    assert answer.status_code == 409
    assert "Nothing was changed" in answer.text
    assert "is approved, queued; there is nothing left to decide." in answer.text
    assert "Your decision" not in answer.text
    assert approved.decisions.count() == 1
