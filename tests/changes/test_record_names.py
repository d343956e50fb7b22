"""The record's file says which customer and which person, also where two have one name, or a name changes."""

from __future__ import annotations

import csv
import io
from typing import Any

from billing.audit.actors import system
from billing.audit.export import stream
from billing.audit.queries import AuditFilter
from billing.changes.applying import apply
from billing.changes.models import ChangeRequest
from billing.lists.formulas import as_written
from billing.metronome.account import Gateway
from billing.mirror.refresh import ask_refresh
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, mirrored, propose

CREATE = {"name": "Twin Name Ltd", "ingest_aliases": ["twin"], "external_id": "", "custom_fields": {}}


def file_of(reference: str = "", event: str = "") -> list[dict[str, str]]:
    """The rows of the file, each cell as it was written."""
    exported = b"".join(stream(AuditFilter(reference=reference, event=event), system("an auditor")))
    rows = csv.DictReader(io.StringIO(exported.decode(), newline=""))
    return [{column: as_written(cell) for column, cell in row.items()} for row in rows]


def cells(rows: list[dict[str, str]], *columns: str) -> set[tuple[str, ...]]:
    return {tuple(row[column] for column in columns) for row in rows}


def test_customers_of_one_name_are_told_apart_by_their_ids(
    gateway: Gateway, simulator: RunningSimulator, maker: User
) -> None:
    twins = [mirrored(gateway, simulator, position) for position in (6, 7)]
    Customer.objects.filter(pk__in=[twin["id"] for twin in twins]).update(name="Twin Name Ltd")
    requests = [
        propose("customer.rename", maker, {"name": "One"}, snapshot={**twin, "name": "Twin Name Ltd"})
        for twin in twins
    ]

    for twin, request in zip(twins, requests, strict=True):
        assert cells(file_of(request.reference), "customer_id", "customer_name", "reference", "digest") == {
            (twin["id"], "Twin Name Ltd", request.reference, request.digest)
        }


def test_a_renamed_customer_keeps_the_name_that_it_had_when_it_was_asked_for(
    approved: ChangeRequest, gateway: Gateway, snapshot: dict[str, Any]
) -> None:
    apply.apply_change(approved.pk, gateway)

    rows = file_of(approved.reference)
    assert Customer.objects.get(pk=snapshot["id"]).name == "Halcyon Freight GmbH"
    assert len(rows) == 5
    assert cells(rows, "customer_id", "customer_name") == {(snapshot["id"], snapshot["name"])}


def test_a_customer_to_be_created_has_its_name_at_once_and_its_id_once_it_exists(
    gateway: Gateway, maker: User, checker: User
) -> None:
    request = approve(propose("customer.create", maker, CREATE), checker)

    apply.apply_change(request.pk, gateway)

    rows = file_of(request.reference)
    made = str(request.calls.get().result["id"])
    assert cells(rows, "customer_name") == {("Twin Name Ltd",)}
    assert [(row["event"], row["customer_id"]) for row in rows] == [
        ("change.submitted", ""),
        ("change.approved", ""),
        ("call.sent", ""),
        ("call.applied", made),
        ("change.applied", made),
    ]


def test_a_refresh_asked_for_names_its_customer(snapshot: dict[str, Any], maker: User) -> None:
    ask_refresh(by(maker), snapshot["id"])

    rows = file_of(event="mirror.refresh_requested")
    assert cells(rows, "customer_id", "customer_name") == {(snapshot["id"], snapshot["name"])}


def test_people_of_one_name_are_told_apart_and_from_a_part_of_the_system(
    submitted: ChangeRequest, maker: User, checker: User
) -> None:
    User.objects.filter(pk=checker.pk).update(name=maker.name)
    checker.refresh_from_db()
    approve(submitted, checker)

    rows = file_of(submitted.reference)
    assert cells(rows, "event", "actor", "actor_id", "actor_username") == {
        ("change.submitted", maker.name, str(maker.pk), maker.username),
        ("change.approved", maker.name, str(checker.pk), checker.username),
    }
    exports = file_of(event="audit.exported")
    assert cells(exports, "actor", "actor_id", "actor_username") == {("an auditor", "", "")}
