"""An alias moved between two customers as one request: taken away first, then given."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from billing.audit.actors import system
from billing.changes import queries, sealed
from billing.changes.agreeing import resolving
from billing.changes.applying import apply
from billing.changes.export import requests_csv
from billing.changes.models import ChangeRequest, Word
from billing.changes.refusals import BadInput, SubjectBusy
from billing.lists.formulas import as_written
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers_holding_alias
from billing.mirror.resources.customer import queries as mirror
from billing.pages.requests.differences import differences
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, mirrored, propose

SET_ALIASES = "POST /v1/customers/{customer_id}/setIngestAliases"


@pytest.fixture
def taker(gateway: Gateway, simulator: RunningSimulator, house: None) -> dict[str, Any]:
    """Another mirrored, active customer."""
    return mirrored(gateway, simulator, position=9)


def moving(snapshot: dict[str, Any], to: str, maker: User, **more: Any) -> ChangeRequest:
    entered = {"ingest_aliases": snapshot["ingest_aliases"][:1], "to": to, **more}
    return propose("customer.move_alias", maker, entered, snapshot=snapshot)


@pytest.fixture
def agreed(
    snapshot: dict[str, Any], taker: dict[str, Any], maker: User, checker: User, checker2: User
) -> ChangeRequest:
    """Agreed to by two managers, as whatever takes an alias away."""
    return approve(moving(snapshot, taker["id"], maker), checker, checker2)


def written(simulator: RunningSimulator) -> list[str]:
    """The customers that we wrote to, in order."""
    ours = [effect for effect in simulator.ledger() if effect["user_agent"].startswith("countersign/")]
    return [effect["resource_id"] for effect in ours]


def holders(gateway: Gateway, alias: str) -> list[str]:
    return [customer.id for customer in customers_holding_alias(gateway, alias)]


def test_the_record_and_its_file_find_it_by_whoever_receives_too(
    agreed: ChangeRequest, snapshot: dict[str, Any], taker: dict[str, Any], auditor: User
) -> None:
    browser = Client()
    browser.force_login(auditor)
    for of in (snapshot, taker):
        for query in ({"customer": of["id"]}, {"customer": of["ingest_aliases"][0]}, {"q": of["id"]}):
            page = browser.get("/audit/", query)
            file = b"".join(browser.get("/audit/export.csv", query).streaming_content).decode()
            rows = page.context["page"].rows
            assert [row.reference for row in rows] == [agreed.reference] * 3, query
            assert f"/changes/{agreed.reference}/" in page.content.decode()
            assert file.count(agreed.reference) == 3, query


def test_it_is_taken_away_then_given_and_both_are_mirrored(
    agreed: ChangeRequest,
    snapshot: dict[str, Any],
    taker: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    alias = snapshot["ingest_aliases"][0]

    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert (agreed.status, agreed.explanation) == ("applied", "")
    assert written(simulator) == [snapshot["id"], taker["id"]]
    assert [effect["user_agent"].rsplit(" ")[-1] for effect in simulator.ledger()] == [
        f"{agreed.reference}/1.1",
        f"{agreed.reference}/2.1",
    ]
    assert holders(gateway, alias) == [taker["id"]]
    assert alias not in mirror.snapshot(snapshot["id"])["ingest_aliases"]
    assert mirror.snapshot(taker["id"])["ingest_aliases"] == sorted([*taker["ingest_aliases"], alias])


def test_when_it_can_not_be_given_what_was_done_stays_and_a_person_goes_on(
    agreed: ChangeRequest,
    snapshot: dict[str, Any],
    taker: dict[str, Any],
    administrator: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    simulator.fault(SET_ALIASES, "status_before", status=400, message="not today", skip=1)
    apply.apply_change(agreed.pk, gateway)
    agreed.refresh_from_db()
    assert (agreed.status, agreed.explanation) == (
        "partly_applied",
        "Call 2 was refused by Metronome: not today",
    )

    word = Word.GO_ON
    resolving.resolve(agreed.pk, actor=by(administrator), verdict=word, reason="they are ready now")
    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert agreed.status == "applied"
    assert written(simulator) == [snapshot["id"], taker["id"]]
    assert holders(gateway, snapshot["ingest_aliases"][0]) == [taker["id"]]


def test_whoever_takes_it_between_the_calls_is_told_and_nothing_more_is_sent(
    agreed: ChangeRequest,
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alias, file_applied = snapshot["ingest_aliases"][0], apply.filing.file_applied

    def then_somebody_takes_it(*args: Any) -> bool:
        simulator.change("create", name="A third one", ingest_aliases=[alias])
        return file_applied(*args)

    monkeypatch.setattr(apply.filing, "file_applied", then_somebody_takes_it)

    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert agreed.status == "partly_applied"
    assert agreed.needs_person
    assert agreed.explanation.startswith(f"Call 2 was not sent. “{alias}” is held by A third one (")
    assert written(simulator) == [snapshot["id"]]


@pytest.mark.parametrize("whose", ["giver", "taker"])
def test_a_change_of_either_customer_makes_it_stale_before_anything_is_sent(
    whose: str,
    agreed: ChangeRequest,
    snapshot: dict[str, Any],
    taker: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    changed = snapshot if whose == "giver" else taker
    aliases = [*changed["ingest_aliases"], "one-more"]
    simulator.change("set_ingest_aliases", changed["id"], ingest_aliases=aliases)

    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert (agreed.status, agreed.explanation) == (
        "stale",
        "The ingest aliases changed in Metronome: 1 more (one-more).",
    )
    assert written(simulator) == []


def test_the_customer_is_found_by_id_alias_or_name(
    snapshot: dict[str, Any], taker: dict[str, Any], maker: User
) -> None:
    for named in (taker["id"], taker["ingest_aliases"][0], taker["name"], f" {taker['name'].upper()} "):
        assert mirror.customers_called(named) == [mirror.customer(taker["id"]).pk]


@pytest.mark.parametrize(
    ("entered", "field", "words"),
    [
        ({"to": "nobody of this name"}, "to", "No customer has this id, alias or name."),
        ({"to": "nul\x00"}, "to", "No customer has this id, alias or name."),
        ({"ingest_aliases": ["alien"]}, "ingest_aliases", "“alien” is not held by this customer."),
        ({"to": "itself"}, "to", "That is the customer that holds them already."),
    ],
)
def test_what_can_not_be_moved_is_told_at_its_field(
    entered: dict[str, Any],
    field: str,
    words: str,
    snapshot: dict[str, Any],
    taker: dict[str, Any],
    maker: User,
) -> None:
    entered = {"to": taker["id"], **entered}
    entered["to"] = snapshot["id"] if entered["to"] == "itself" else entered["to"]

    with pytest.raises(BadInput) as refusal:
        moving(snapshot, maker=maker, **entered)

    assert (refusal.value.field, refusal.value.message) == (field, words)
    assert not ChangeRequest.objects.exists()


def test_neither_customers_aliases_are_free_for_another_request_meanwhile(
    agreed: ChangeRequest, snapshot: dict[str, Any], taker: dict[str, Any], maker: User
) -> None:
    for customer in (snapshot, taker):
        with pytest.raises(SubjectBusy, match=agreed.reference):
            propose("customer.realias", maker, {"ingest_aliases": ["fresh-1"]}, snapshot=customer)


def test_the_file_and_the_pages_of_both_customers_tell_of_it(
    agreed: ChangeRequest, snapshot: dict[str, Any], taker: dict[str, Any]
) -> None:
    taking = requests_csv(queries.all_requests(), system("a test"), {})
    text = b"".join(taking).decode()
    (row,) = csv.DictReader(io.StringIO(text))

    assert (row["customer_id"], as_written(row["subject"])) == (snapshot["id"], snapshot["name"])
    assert row["added_aliases"] == "[]"
    assert json.loads(as_written(row["removed_aliases"])) == snapshot["ingest_aliases"][:1]
    for customer in (snapshot, taker):
        assert [change.pk for change in queries.for_customer(customer["id"])] == [agreed.pk]
        assert queries.open_on([UUID(customer["id"])]) == {UUID(customer["id"]): agreed}


def test_before_and_after_stand_in_the_order_of_the_calls(
    agreed: ChangeRequest, snapshot: dict[str, Any], taker: dict[str, Any]
) -> None:
    told = differences(sealed.read(agreed.sealed))

    assert [each.title for each in told] == [snapshot["name"], taker["name"]]
    assert [(each.sets[0].removed, each.sets[0].added) for each in told] == [
        (snapshot["ingest_aliases"][:1], []),
        ([], snapshot["ingest_aliases"][:1]),
    ]


def test_the_form_offers_what_is_held_and_tells_who_will_have_to_agree(
    snapshot: dict[str, Any], taker: dict[str, Any], maker: User, client: Client
) -> None:
    client.force_login(maker)
    address = f"/changes/new/customer.move_alias/?customer={snapshot['id']}"
    page = client.get(address)
    boxes = page.context["form"].fields["ingest_aliases"]

    assert [words for _mark, words in boxes.choices] == [
        f"Move “{alias}”" for alias in snapshot["ingest_aliases"]
    ]
    assert "2 managers" in page.text
    none = client.post(address, {"to": taker["id"], "reason": "ordered"})
    assert (none.status_code, "Choose at least one alias." in none.text) == (422, True)
    marks = boxes.marks(snapshot["ingest_aliases"][:1])
    sent = client.post(address, {"ingest_aliases": marks, "to": taker["name"], "reason": "ordered"})
    assert sent.status_code == 302
    assert ChangeRequest.objects.get().sentence.startswith("Move the alias “")
