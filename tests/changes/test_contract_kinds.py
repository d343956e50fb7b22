"""A contract renamed and ended: by an edit under the call's own key, which Metronome keeps for good."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing.changes import sealed
from billing.changes.applying import apply
from billing.changes.applying.verifying import Tampered, verified
from billing.changes.asking.kinds import KINDS
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest
from billing.changes.refusals import BadInput, SubjectBusy
from billing.metronome.account import Gateway
from billing.metronome.objects.contract import contract_at, contracts_of, edits_of
from billing.pages.requests.differences import differences
from billing.users import User
from tests.changes.test_apply import settle_until_known
from tests.changes.test_billing_kinds import others_do
from tests.simulator_server import RunningSimulator
from tests.world import about, approve, mirrored, propose

CREATE, EDIT = "POST /v1/contracts/create", "POST /v2/contracts/edit"


@pytest.fixture
def customer(gateway: Gateway, simulator: RunningSimulator, house: None) -> dict[str, Any]:
    return mirrored(gateway, simulator, position=1)


@pytest.fixture
def of(customer: dict[str, Any], gateway: Gateway, simulator: RunningSimulator) -> str:
    """A contract of the customer's, from 2026 on, without an end."""
    body = {"customer_id": customer["id"], "name": "Order 12", "starting_at": "2026-01-01T00:00:00Z"}
    others_do(simulator, CREATE, body)
    listed = gateway.every(contracts_of(customer["id"]))
    return next(each.id for each in listed if each.name == "Order 12")


def renaming(of: str, name: str = "Order 13") -> dict[str, Any]:
    return {"contract_id": of, "name": name}


def ending(of: str, day: str, **more: Any) -> dict[str, Any]:
    how = "ends" if day else "goes_on"
    return {"contract_id": of, "how": how, "ending_before": day, "cuts_invoices": False, **more}


def asked(
    kind: str, entered: dict[str, Any], customer: dict[str, Any], maker: User, gateway: Gateway
) -> ChangeRequest:
    seen = read_survey(gateway, customer["id"])
    return propose(kind, maker, entered, snapshot=customer, survey=seen)


def test_a_contract_is_renamed_under_the_calls_own_key(
    customer: dict[str, Any], of: str, maker: User, checker: User, gateway: Gateway
) -> None:
    change = approve(asked("contract.rename", renaming(of), customer, maker, gateway), checker)
    (call,) = sealed.read(change.sealed).calls

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.explanation) == ("applied", "")
    assert call.http.body == {
        "customer_id": customer["id"],
        "contract_id": of,
        "uniqueness_key": str(call.key),
        "update_contract_name": "Order 13",
    }
    (edit,) = gateway.every(edits_of(customer["id"], of))
    assert edit.uniqueness_key == str(call.key)
    assert change.calls.get().result == {"id": of, "edit_id": edit.id}
    assert gateway.one(contract_at(customer["id"], of)).name == "Order 13"
    assert change.sentence == f"Rename the contract “Order 12” of “{customer['name']}” to “Order 13”."
    (told,) = differences(sealed.read(change.sealed))
    assert [(each.label, each.before, each.after) for each in told.fields] == [
        ("Name", "Order 12", "Order 13")
    ]


def test_a_rename_is_undone_by_another_one(
    customer: dict[str, Any], of: str, maker: User, checker: User, gateway: Gateway
) -> None:
    change = approve(asked("contract.rename", renaming(of), customer, maker, gateway), checker)
    apply.apply_change(change.pk, gateway)

    back = KINDS["contract.rename"].undoing(sealed.read(change.sealed))

    assert back == renaming(of, "Order 12")


@pytest.mark.parametrize(
    ("days", "ends"),
    [
        (["2031-01-01"], "2031-01-01"),
        (["2031-01-01", "2032-02-01"], "2032-02-01"),
        (["2031-01-01", ""], None),
    ],
)
def test_the_end_is_set_moved_and_taken_away(
    days: list[str],
    ends: str | None,
    customer: dict[str, Any],
    of: str,
    maker: User,
    checker: User,
    gateway: Gateway,
) -> None:
    for day in days:
        change = approve(asked("contract.end", ending(of, day), customer, maker, gateway), checker)
        apply.apply_change(change.pk, gateway)
        change.refresh_from_db()
        assert (change.status, change.explanation) == ("applied", "")

    contract = gateway.one(contract_at(customer["id"], of))
    assert (contract.ending_before and contract.ending_before.date().isoformat()) == ends
    request = sealed.read(change.sealed)
    before = ending(of, days[-2] if len(days) > 1 else "")
    del before["cuts_invoices"]
    assert KINDS["contract.end"].undoing(request) == before


def test_an_end_before_a_finalized_invoice_is_refused_unless_said_so(
    customer: dict[str, Any], of: str, gateway: Gateway
) -> None:
    seen = read_survey(gateway, customer["id"])
    invoice = {
        "id": "first",
        "contract_id": of,
        "status": "FINALIZED",
        "end": "2026-11-01",
        "end_at": "2026-11-01T05:00:00Z",
        "currency": "USD",
        "amount": "12.50",
    }
    another = invoice | {"contract_id": "other"}
    draft = invoice | {"status": "DRAFT", "amount": "1.00", "id": "draft"}
    before = draft | {"end_at": "2026-11-01T00:00:00Z", "amount": "7.00"}
    seen["invoices"] = [invoice, invoice | {"id": "second"}, another, draft, before]
    kind = KINDS["contract.end"]

    with pytest.raises(BadInput, match="2 finalized invoices reach beyond this day, up to 2026-11-01"):
        kind.build(ending(of, "2026-11-01"), about(customer, seen))
    allowed = kind.build(ending(of, "2026-11-01", cuts_invoices=True), about(customer, seen))
    later = kind.build(ending(of, "2026-11-02"), about(customer, seen))

    assert (allowed.facts["cut_invoices"], later.facts["cut_invoices"]) == (2, 0)
    assert [
        proposal.calls[0].params.edit["allow_contract_ending_before_finalized_invoice"]
        for proposal in (allowed, later)
    ] == [True, False]
    assert [(row["count"], row["what"], row["money"]) for row in allowed.blast] == [
        (1, "Draft invoices that reach beyond the end", [{"currency": "USD", "amount": "1.00"}]),
        (2, "Finalized invoices that reach beyond the end", [{"currency": "USD", "amount": "25.00"}]),
    ]
    assert [(effect.text, effect.kept) for effect in allowed.effects] == [
        ("2 finalized invoices stay", ["first", "second"])
    ]
    assert (later.blast, later.effects) == ((), ())


@pytest.mark.parametrize(
    ("entered", "field", "words"),
    [
        ({"ending_before": ""}, "how", "It has no end as it is."),
        (
            {"ending_before": "2026-01-01"},
            "ending_before",
            "It begins on 2026-01-01",
        ),
        ({"contract_id": "00000000-0000-0000-0000-000000000000"}, "contract_id", "none of this customer’s"),
    ],
)
def test_what_can_not_be_is_said_at_its_field(
    entered: dict[str, Any], field: str, words: str, customer: dict[str, Any], of: str, gateway: Gateway
) -> None:
    seen = read_survey(gateway, customer["id"])

    with pytest.raises(BadInput, match=words) as refused:
        KINDS["contract.end"].build(ending(of, "2031-01-01") | entered, about(customer, seen))

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("route", "body", "words"),
    [
        (EDIT, {"update_contract_end_date": "2030-01-01T00:00:00Z"}, "The end changed in Metronome"),
        ("POST /v1/contracts/archive", {"void_invoices": False}, "It became archived in Metronome"),
    ],
)
def test_what_somebody_does_meanwhile_makes_it_stale(
    route: str,
    body: dict[str, Any],
    words: str,
    customer: dict[str, Any],
    of: str,
    maker: User,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    change = approve(asked("contract.end", ending(of, "2031-01-01"), customer, maker, gateway), checker)
    others_do(simulator, route, {"customer_id": customer["id"], "contract_id": of, **body})

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "stale"
    assert change.explanation.startswith(words)
    assert not change.calls.get().attempts.exists()


def test_a_name_that_somebody_changes_does_not_disturb_an_end(
    customer: dict[str, Any],
    of: str,
    maker: User,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    change = approve(asked("contract.end", ending(of, "2031-01-01"), customer, maker, gateway), checker)
    edit = {"customer_id": customer["id"], "contract_id": of, "update_contract_name": "Theirs"}
    others_do(simulator, EDIT, edit)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "applied"


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_an_answer_that_is_lost_is_found_by_the_key_and_takes_effect_once(
    fault: str,
    customer: dict[str, Any],
    of: str,
    maker: User,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    change = approve(asked("contract.rename", renaming(of), customer, maker, gateway), checker)
    simulator.fault(EDIT, fault)

    apply.apply_change(change.pk, gateway)
    settle_until_known(change, gateway)

    assert change.status == "applied", change.explanation
    (edit,) = gateway.every(edits_of(customer["id"], of))
    assert change.calls.get().result == {"id": of, "edit_id": edit.id}


def test_a_contracts_name_and_its_end_are_held_apart_and_the_customer_holds_all(
    customer: dict[str, Any], of: str, maker: User, gateway: Gateway
) -> None:
    asked("contract.rename", renaming(of), customer, maker, gateway)
    asked("contract.end", ending(of, "2031-01-01"), customer, maker, gateway)

    with pytest.raises(SubjectBusy):
        asked("contract.rename", renaming(of, "Order 14"), customer, maker, gateway)
    entered = {"clear_aliases": False, "open_business_reason": "moved"}
    with pytest.raises(SubjectBusy):
        asked("customer.archive", entered, customer, maker, gateway)


def test_another_key_than_the_calls_own_is_never_sent(
    customer: dict[str, Any], of: str, maker: User, checker: User, gateway: Gateway, monkeypatch: Any
) -> None:
    from billing.changes.asking import sealing

    monkeypatch.setattr(sealing.operation("contracts.edit"), "keyed", lambda params, key: params)
    change = asked("contract.rename", renaming(of), customer, maker, gateway)
    monkeypatch.undo()
    approve(change, checker)

    with pytest.raises(Tampered, match="call 1 carries another key than its own"):
        verified(change)
    apply.apply_change(change.pk, gateway)
    change.refresh_from_db()
    assert change.status == "blocked"
    assert gateway.every(edits_of(customer["id"], of)) == ()


def test_the_form_lists_the_open_contracts_and_asks_for_approval(
    customer: dict[str, Any], of: str, maker: User, gateway: Gateway, client: Client
) -> None:
    from billing.changes.asking import survey

    row = survey.ask(customer["id"], asked_by=maker)
    survey.answer(row.uuid, gateway)
    client.force_login(maker)
    address = f"/changes/new/contract.end/?customer={customer['id']}"

    page = client.get(address)
    refused = client.post(address, {"contract_id": of, "how": "ends", "reason": "The order was cancelled."})
    sent = client.post(
        address,
        {
            "contract_id": of,
            "how": "ends",
            "ending_before": "2031-01-01",
            "reason": "The order was cancelled.",
        },
    )

    assert f"Order 12, from 2026-01-01, no end ({of})" in page.content.decode()
    assert refused.status_code == 422
    assert "Say the day." in refused.content.decode()
    assert sent.status_code == 302
    made = ChangeRequest.objects.get()
    assert made.sentence == f"End the contract “Order 12” of “{customer['name']}” before 2031-01-01."
