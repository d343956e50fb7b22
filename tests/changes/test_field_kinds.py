"""Custom fields of a customer: some set, some taken away, the others left alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing.changes import sealed
from billing.changes.applying import apply
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers
from billing.mirror.refresh import refresh_account
from billing.pages.requests.differences import differences
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, mirrored, propose

PREFIX = "custom_field:"


@pytest.fixture
def customer(gateway: Gateway, simulator: RunningSimulator) -> dict[str, Any]:
    """A mirrored customer with an erp_id, a segment and an owner, and the keys that there are."""
    refresh_account(gateway, pauses=())
    listed = gateway.page(customers(archived=False)).items
    keys = {"erp_id", "segment", "owner"}
    position = next(at for at, each in enumerate(listed) if each.custom_fields.keys() == keys)
    return mirrored(gateway, simulator, position=position)


@pytest.fixture
def setting(customer: dict[str, Any], maker: User, checker: User) -> ChangeRequest:
    entered = {"custom_fields": {"segment": "enterprise", "cost_center": "CC-7"}}
    return approve(propose("customer.set_fields", maker, entered, snapshot=customer), checker)


def others_set(simulator: RunningSimulator, customer: dict[str, Any], **values: str) -> None:
    body = {"entity": "customer", "entity_id": customer["id"], "custom_fields": values}
    simulator.change("POST /v1/customFields/setValues", **body)


def test_what_is_asked_for_is_set_and_a_key_that_nobody_watches_may_move(
    setting: ChangeRequest, customer: dict[str, Any], gateway: Gateway, simulator: RunningSimulator
) -> None:
    others_set(simulator, customer, owner="Somebody else")

    apply.apply_change(setting.pk, gateway)

    setting.refresh_from_db()
    assert (setting.status, setting.explanation) == ("applied", "")
    fields = simulator.customer(id=customer["id"])["custom_fields"]
    assert fields == {
        **customer["custom_fields"],
        "owner": "Somebody else",
        "segment": "enterprise",
        "cost_center": "CC-7",
    }


def test_it_says_what_is_overwritten(setting: ChangeRequest, customer: dict[str, Any]) -> None:
    request = sealed.read(setting.sealed)

    assert request.facts["fields_overwritten"] == 1
    (told,) = differences(request)
    assert [(each.label, each.before, each.after) for each in told.fields] == [
        ("cost_center", "", "CC-7"),
        ("segment", customer["custom_fields"]["segment"], "enterprise"),
    ]
    assert setting.sentence == (
        "Set the custom field cost_center to “CC-7”, the custom field segment to “enterprise” of "
        f"“{customer['name']}”."
    )
    assert KINDS["customer.set_fields"].undoing(request) == {
        "custom_fields": {"segment": customer["custom_fields"]["segment"]}
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"segment": "theirs"}, "segment was “{segment}”, now it is “theirs”"),
        ({"cost_center": "CC-1"}, "cost_center “CC-1” is new"),
    ],
)
def test_a_key_that_is_written_and_moved_makes_it_stale(
    values: dict[str, str],
    words: str,
    setting: ChangeRequest,
    customer: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    others_set(simulator, customer, **values)

    apply.apply_change(setting.pk, gateway)

    setting.refresh_from_db()
    told = words.format(**customer["custom_fields"])
    assert setting.status == "stale"
    assert setting.explanation == f"The custom fields changed in Metronome: {told}."


def test_a_key_that_is_gone_is_told_before_anything_is_sent(
    setting: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.change("POST /v1/customFields/removeKey", entity="customer", key="cost_center")

    apply.apply_change(setting.pk, gateway)

    setting.refresh_from_db()
    assert (setting.status, setting.explanation) == (
        "stale",
        "Metronome knows no custom field “cost_center” by now.",
    )


def test_values_are_removed_and_can_be_put_back(
    customer: dict[str, Any], maker: User, checker: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    entered = {"keys": ["owner", "segment"]}
    change = approve(propose("customer.delete_fields", maker, entered, snapshot=customer), checker)
    others_set(simulator, customer, erp_id="ERP-9")

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.explanation) == ("applied", "")
    assert change.sentence == f"Remove 2 custom fields from “{customer['name']}”."
    assert simulator.customer(id=customer["id"])["custom_fields"] == {"erp_id": "ERP-9"}
    former = {key: customer["custom_fields"][key] for key in ("owner", "segment")}
    assert KINDS["customer.delete_fields"].undoing(sealed.read(change.sealed)) == {"custom_fields": former}


def test_the_forms_hold_what_there_is_and_refuse_what_changes_nothing(
    customer: dict[str, Any], maker: User
) -> None:
    browser = Client()
    browser.force_login(maker)
    address = f"/changes/new/customer.set_fields/?customer={customer['id']}"
    typed = {PREFIX + key: value for key, value in customer["custom_fields"].items()}

    assert customer["custom_fields"]["owner"] in browser.get(address).text
    same = browser.post(address, {**typed, "reason": "ordered"})
    assert "These are the values it has already." in same.text
    emptied = browser.post(address, {**typed, PREFIX + "owner": " ", "reason": "ordered"})
    assert "propose Remove custom fields." in emptied.text
    too_long = browser.post(address, {**typed, PREFIX + "owner": "x" * 201, "reason": "ordered"})
    assert "It has 201 characters: shorten it to 200." in too_long.text
    assert {answer.status_code for answer in (same, emptied, too_long)} == {422}
    remove = f"/changes/new/customer.delete_fields/?customer={customer['id']}"
    none = browser.post(remove, {"reason": "ordered"})
    assert "Choose at least one value." in none.text
    assert browser.post(remove, {"keys": ["owner"], "reason": "ordered"}).status_code == 302
    busy = browser.post(address, {**typed, PREFIX + "cost_center": "CC-1", "reason": "ordered"})
    assert busy.status_code == 422
    assert "already changes this customer’s custom fields" in busy.text
