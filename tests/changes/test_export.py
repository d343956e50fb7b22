"""Requests as a file: who proposed, who agreed or said no, when and why, and what it changes, in words."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from billing.audit.actors import system
from billing.changes import queries
from billing.changes.agreeing import deciding
from billing.changes.export import requests_csv
from billing.changes.models import ChangeRequest, Verdict
from billing.lists.formulas import as_written
from billing.users import User
from tests.changes.test_tampering import without_guards
from tests.world import approve, by, propose

HEADING = (
    "reference,kind,status,sentence,subject,customer_id,old_name,new_name,added_aliases,removed_aliases,maker,"
    "maker_username,reason,submitted_at,approvers,approver_usernames,approved_at,approval_reasons,"
    "taken_back_by,taken_back_by_usernames,taken_back_at,taken_back_reasons,rejecter,rejecter_username,rejected_at,rejection_reason,expires_at,settled_at,explanation,digest"
)


def exported() -> str:
    return b"".join(requests_csv(queries.all_requests(), system("a test"), {})).decode()


def rows() -> dict[str, dict[str, str]]:
    """Reference → the row, each cell as it was written."""
    read = csv.DictReader(io.StringIO(exported(), newline=""))
    return {row["reference"]: {name: as_written(cell) for name, cell in row.items()} for row in read}


def times(text: str) -> list[datetime]:
    return [datetime.fromisoformat(item) for item in json.loads(text)]


def test_a_list_without_requests_is_the_header(house: None) -> None:
    assert exported() == f"{HEADING}\n"


def test_a_renaming_says_both_names_and_its_maker(
    submitted: ChangeRequest, snapshot: dict[str, Any], maker: User
) -> None:
    row = rows()[submitted.reference]

    assert exported().splitlines()[0] == HEADING
    assert (row["old_name"], row["new_name"]) == (snapshot["name"], "Halcyon Freight GmbH")
    assert (row["added_aliases"], row["removed_aliases"]) == ("[]", "[]")
    assert (row["maker"], row["maker_username"]) == (maker.name, maker.username)
    assert row["reason"] == "as agreed with the customer"
    assert [row[name] for name in ("approvers", "approver_usernames", "approved_at", "approval_reasons")] == [
        "[]"
    ] * 4
    assert [row[name] for name in ("rejecter", "rejecter_username", "rejected_at", "rejection_reason")] == [
        ""
    ] * 4


def test_aliases_added_and_removed_are_lists_that_hold_any_text(
    snapshot: dict[str, Any], maker: User
) -> None:
    odd = 'odd, "alias"; =1+1'
    request = propose("customer.realias", maker, {"ingest_aliases": [odd]}, snapshot=snapshot)

    row = rows()[request.reference]
    assert json.loads(row["added_aliases"]) == [odd]
    assert json.loads(row["removed_aliases"]) == sorted(snapshot["ingest_aliases"])
    assert (row["old_name"], row["new_name"]) == (snapshot["name"], "")


def test_each_approval_has_its_person_time_and_reason_in_one_order(
    snapshot: dict[str, Any], maker: User, checker: User, checker2: User
) -> None:
    aliases = {"ingest_aliases": []}
    request = propose("customer.realias", maker, aliases, snapshot=snapshot)
    reasons = ["I asked,\n“they” agreed", "=HYPERLINK(1)"]
    for person, reason in zip((checker2, checker), reasons, strict=True):
        deciding.decide(
            request.pk,
            actor=by(person),
            verdict=Verdict.APPROVE,
            reason=reason,
            digest=request.digest,
            typed=request.subject_text,
        )

    row = rows()[request.reference]
    given = list(request.decisions.order_by("decided_at"))
    assert row["status"] == "approved"
    assert json.loads(row["approvers"]) == [checker2.name, checker.name]
    assert json.loads(row["approver_usernames"]) == [checker2.username, checker.username]
    assert times(row["approved_at"]) == [decision.decided_at.astimezone(UTC) for decision in given]
    assert json.loads(row["approval_reasons"]) == reasons
    assert row["rejecter"] == ""


def test_a_rejection_has_its_person_time_and_reason(submitted: ChangeRequest, checker: User) -> None:
    deciding.decide(
        submitted.pk,
        actor=by(checker),
        verdict=Verdict.REJECT,
        reason="-not theirs",
        digest=submitted.digest,
        typed="",
    )

    row = rows()[submitted.reference]
    assert (row["rejecter"], row["rejecter_username"]) == (checker.name, checker.username)
    assert datetime.fromisoformat(row["rejected_at"]) == submitted.decisions.get().decided_at
    assert row["rejection_reason"] == "-not theirs"
    assert row["approvers"] == "[]"
    assert "'-not theirs" in exported()


@pytest.mark.parametrize("text", ["", "not json", "[1]", "{}"])
def test_a_text_that_is_not_ours_any_more_takes_no_other_row_with_it(
    submitted: ChangeRequest, checker: User, maker: User, text: str
) -> None:
    approve(submitted, checker)
    other = propose(
        "customer.create", maker, {"name": "Other Ltd", "ingest_aliases": ["other"], "custom_fields": {}}
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    with without_guards("billing_changerequest") as cursor:
        cursor.execute(
            "UPDATE billing_changerequest SET sealed = %s, digest = %s WHERE id = %s",
            [text, digest, submitted.pk],
        )

    found = rows()
    broken, whole = found[submitted.reference], found[other.reference]
    assert (broken["reason"], broken["new_name"], broken["digest"]) == ("", "", digest)
    assert json.loads(broken["approvers"]) == [checker.name]
    assert (whole["new_name"], json.loads(whole["added_aliases"])) == ("Other Ltd", ["other"])


def test_every_list_in_a_cell_is_written_in_one_way(snapshot: dict[str, Any], maker: User) -> None:
    added = [*snapshot["ingest_aliases"], "one", "two, three"]
    change = propose("customer.realias", maker, {"ingest_aliases": added}, snapshot=snapshot)

    assert rows()[change.reference]["added_aliases"] == json.dumps(["one", "two, three"])
