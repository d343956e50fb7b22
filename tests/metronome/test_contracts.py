"""Contracts as they are read: whole lists, one by its ids, and what was edited."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from metronome.types.v2.contract_edit_params import ContractEditParams

from billing.metronome.account import Gateway
from billing.metronome.calls import CallKey, Sending
from billing.metronome.judging import judged_read, says_unknown
from billing.metronome.objects.contract import ContractEditRecord, contract_at, contracts_of, edits_of
from billing.metronome.objects.customer import customers
from billing.metronome.operations import operation
from billing.metronome.operations.base import FindFacts, Proof
from billing.metronome.operations.contracts.create import NewContract
from billing.metronome.operations.contracts.edit import RULES, ContractEdit
from billing.metronome.outcomes import Evidence, ReadFailed
from billing.metronome.transport import RawAnswer
from tests.simulator_server import RunningSimulator

IDS = "6a37bb88-8538-48c5-b37b-a41c836328bd"
START = "2026-01-01T00:00:00Z"
CREATE, EDIT = "POST /v1/contracts/create", "POST /v2/contracts/edit"


@pytest.fixture
def customer_id(gateway: Gateway) -> str:
    return gateway.page(customers(archived=False)).items[0].id


def made(simulator: RunningSimulator, route: str, body: dict[str, Any]) -> dict[str, Any]:
    asked = {"what": route, "customer_id": body["customer_id"], "ids": {}, "body": body}
    return simulator.control("POST", "change", asked)


def test_a_customer_with_more_contracts_than_a_page_holds_is_read_whole(
    gateway: Gateway, simulator: RunningSimulator, customer_id: str
) -> None:
    before = len(gateway.every(contracts_of(customer_id)))
    for number in range(45):
        made(simulator, CREATE, {"customer_id": customer_id, "starting_at": START, "name": f"Order {number}"})

    read = gateway.every(contracts_of(customer_id))

    assert len({contract.id for contract in read}) == len(read) == before + 45
    assert {f"Order {number}" for number in range(45)} <= {contract.name for contract in read}


def test_one_contract_is_read_by_its_ids_and_an_unknown_one_is_none(
    gateway: Gateway, simulator: RunningSimulator, customer_id: str
) -> None:
    made(simulator, CREATE, {"customer_id": customer_id, "starting_at": START, "name": "Order"})
    known = next(each for each in gateway.every(contracts_of(customer_id)) if each.name == "Order")

    assert gateway.one(contract_at(customer_id, known.id)) == known
    assert gateway.one(contract_at(customer_id, str(uuid.uuid4()))) is None
    assert gateway.one(contract_at(str(uuid.uuid4()), known.id)) is None


def test_edits_are_told_with_the_key_that_came_along(
    gateway: Gateway, simulator: RunningSimulator, customer_id: str
) -> None:
    made(simulator, CREATE, {"customer_id": customer_id, "starting_at": START, "name": "Order"})
    known = next(each for each in gateway.every(contracts_of(customer_id)) if each.name == "Order")
    edit = {"customer_id": customer_id, "contract_id": known.id, "update_contract_name": "Renamed"}
    made(simulator, EDIT, edit | {"uniqueness_key": "ours"})
    made(simulator, EDIT, edit | {"update_contract_name": "Again"})

    edits = gateway.every(edits_of(customer_id, known.id))

    assert [(each.uniqueness_key, each.raw["update_contract_name"]) for each in edits] == [
        ("ours", "Renamed"),
        ("", "Again"),
    ]


def test_every_member_that_the_sdk_knows_has_a_rule_or_can_not_be_sealed() -> None:
    members = ContractEditParams.__annotations__.keys() - {"customer_id", "contract_id", "uniqueness_key"}
    values = {
        "update_contract_name": "Ours",
        "update_contract_end_date": "2031-01-01T00:00:00Z",
        "allow_contract_ending_before_finalized_invoice": True,
    }
    show = operation("contracts.edit").show

    assert members >= RULES.keys() == values.keys()
    for member in members - RULES.keys():
        with pytest.raises(ValueError, match=f"Nobody knows what {member} leaves"):
            show(ContractEdit(IDS, IDS, {**values, member: []}))
    assert show(ContractEdit(IDS, IDS, values)).body.items() >= values.items()


@pytest.mark.parametrize(
    "edit",
    [
        {},
        {"allow_contract_ending_before_finalized_invoice": True},
        {"update_contract_name": ""},
        {"update_contract_name": None},
        {"update_contract_end_date": "2031-01-01"},
        {"update_contract_end_date": "2031-01-01T00:30:00Z"},
        {"update_contract_end_date": ""},
        {"update_contract_name": "Ours", "allow_contract_ending_before_finalized_invoice": "no"},
    ],
)
def test_an_edit_that_changes_nothing_or_is_malformed_can_not_be_sealed(edit: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        operation("contracts.edit").show(ContractEdit(IDS, IDS, edit))


@pytest.mark.parametrize(
    ("told", "proof"),
    [
        ({"update_contract_name": "Ours"}, Proof.APPLIED),
        ({"update_contract_name": "Theirs"}, Proof.CANNOT_TELL),
        ({"update_contract_name": "Ours", "add_commits": [{}]}, Proof.CANNOT_TELL),
        ({"update_contract_name": "Ours", "update_contract_end_date": None}, Proof.CANNOT_TELL),
        ({}, Proof.CANNOT_TELL),
    ],
)
def test_an_edit_with_our_key_that_changes_something_else_is_a_persons_question(
    told: dict[str, Any], proof: Proof, monkeypatch: pytest.MonkeyPatch, gateway: Gateway
) -> None:
    edit = ContractEditRecord.from_json({"id": IDS, "uniqueness_key": "ours", **told})
    monkeypatch.setattr(gateway, "every", lambda listing: (edit,))
    params = ContractEdit(IDS, IDS, {"update_contract_name": "Ours"}, "ours")
    now = datetime.now(UTC)

    finding = operation("contracts.edit").find(gateway, FindFacts(params, {}, now, now, ()))

    assert finding.proof == proof, finding.sentence


@pytest.mark.parametrize(
    ("told", "proof"),
    [
        ({}, Proof.APPLIED),
        ({"update_contract_end_date": None}, Proof.APPLIED),
        ({"allow_contract_ending_before_finalized_invoice": False}, Proof.APPLIED),
        ({"update_contract_end_date": "2031-01-01T00:00:00Z"}, Proof.CANNOT_TELL),
        ({"update_contract_name": "Theirs"}, Proof.CANNOT_TELL),
    ],
)
def test_an_end_taken_away_is_found_by_the_key_since_the_history_has_no_place_for_none(
    told: dict[str, Any], proof: Proof, monkeypatch: pytest.MonkeyPatch, gateway: Gateway
) -> None:
    edit = ContractEditRecord.from_json({"id": IDS, "uniqueness_key": "ours", **told})
    monkeypatch.setattr(gateway, "every", lambda listing: (edit,))
    asked = {
        "update_contract_end_date": None,
        "allow_contract_ending_before_finalized_invoice": False,
    }
    now = datetime.now(UTC)

    facts = FindFacts(ContractEdit(IDS, IDS, asked, "ours"), {}, now, now, ())

    assert operation("contracts.edit").find(gateway, facts).proof == proof


@pytest.mark.parametrize(
    ("status", "body", "is_unknown"),
    [
        (404, {"message": "Customer not found"}, True),
        (404, {}, False),
        (400, {"code": "ContractNotFound", "message": "Contract not found"}, True),
        (400, {"code": "ContractNotFound"}, False),
        (400, {"message": "ContractNotFound"}, False),
        (400, {"code": "InvalidDate", "message": "no"}, False),
        (400, {"code": 7, "message": "no"}, False),
        (200, {"code": "ContractNotFound", "message": "no"}, False),
    ],
)
def test_only_metronomes_own_words_say_that_there_is_no_such_thing(
    status: int, body: dict[str, Any], is_unknown: bool
) -> None:
    now, text = datetime.now(UTC), json.dumps(body)
    seen = Evidence(status, text, {}, "", now, now)
    answer = RawAnswer(status, text.encode(), seen, httpx.Headers())

    assert says_unknown(answer) is is_unknown
    if status == 400 and not is_unknown:
        with pytest.raises(ReadFailed):
            judged_read(answer)
    else:
        assert judged_read(answer) is answer


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "say which"),
        ({"rate_card_id": IDS, "package_id": IDS}, "say which"),
        ({"package_id": IDS, "name": "Ours"}, "brings its own terms"),
        ({"package_id": IDS, "net_payment_terms_days": 0}, "brings its own terms"),
        ({"rate_card_id": IDS, "starting_at": "2031-01-01T00:30:00Z"}, "on the hour"),
        ({"rate_card_id": IDS, "starting_at": "2031-01-01T00:00:00"}, "on the hour"),
        ({"rate_card_id": IDS, "ending_before": START}, "ends before it begins"),
        ({"rate_card_id": IDS, "statement_frequency": "DAILY", "statement_day": "FIRST_OF_MONTH"}, "known"),
        ({"rate_card_id": IDS, "statement_frequency": "MONTHLY"}, "known"),
        ({"rate_card_id": "no id"}, "UUID"),
    ],
)
def test_a_contract_that_can_not_be_made_can_not_be_sealed(more: dict[str, Any], words: str) -> None:
    given = {"customer_id": IDS, "starting_at": START, **more}

    with pytest.raises(ValueError, match=words):
        operation("contracts.create").show(NewContract(**given))


def test_a_contract_from_a_package_is_made_once_and_found_by_its_key(
    gateway: Gateway, simulator: RunningSimulator, customer_id: str
) -> None:
    package_id = next(iter(simulator.control("GET", "snapshot")["main"]["packages"]))
    create = operation("contracts.create")
    params = NewContract(customer_id, "2031-01-01T00:00:00Z", package_id=package_id)
    params = create.keyed(params, key := uuid.uuid4())
    sending = Sending(
        create.show(params), CallKey(key, 1), "CR-000001/1.1", is_resend=False, ids_are_fresh=False
    )
    now = datetime.now(UTC)

    result = create.send(gateway, sending)
    finding = create.find(gateway, FindFacts(params, {}, now, now, ("CR-000001/1.1",)))
    other = replace(params, starting_at="2032-01-01T00:00:00Z")
    clash = create.find(gateway, FindFacts(other, {}, now, now, ("CR-000001/1.1",)))

    assert (finding.proof, finding.result) == (Proof.APPLIED, result)
    assert (clash.proof, clash.stands) == (Proof.CANNOT_TELL, True)
    assert create.bears_out(gateway, FindFacts(params, {}, now, now, ()), result["id"]).proof == Proof.APPLIED
    named = create.bears_out(gateway, FindFacts(other, {}, now, now, ()), result["id"])
    assert named.proof == Proof.CANNOT_TELL
    assert "does not carry this call’s key, or is another" in named.sentence
