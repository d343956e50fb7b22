"""No change of rights leaves a step without anybody who could fill it, its makers excluded."""

from __future__ import annotations

from typing import Any

import pytest

from billing.changes import sealed
from billing.changes.applying import apply
from billing.changes.models import ChangeRequest
from billing.changes.refusals import BadInput
from billing.metronome.account import Gateway
from billing.users import User
from tests.world import DEFAULT_RULES, approve, install_policy, propose


def test_a_step_of_a_rule_is_not_left_without_people(
    administrator: User, admin2: User, checker: User, checker2: User
) -> None:
    with pytest.raises(BadInput) as refusal:
        propose("person.set_role", administrator, {"person": checker, "role": "finance"})

    assert refusal.value.message == (
        "Somebody else has to be there first."
        " The rule “An alias is removed” asks for 2 managers, and 1 would be left."
        " The rule “Cannot be undone” asks for 2 managers, and 1 would be left."
    )
    assert not ChangeRequest.objects.exists()


def test_a_step_of_an_open_request_is_not_left_without_people_its_makers_excluded(
    snapshot: dict[str, Any], administrator: User, admin2: User, checker: User, checker2: User
) -> None:
    install_policy(DEFAULT_RULES[:1])
    waiting = propose("customer.rename", checker2, {"name": "Halcyon Freight GmbH"}, snapshot=snapshot)

    with pytest.raises(BadInput, match=f"{waiting.reference} needs 1 manager to agree, and 0 would be left"):
        propose("person.deactivate", administrator, {"person": checker})

    approve(waiting, checker)
    change = propose("person.deactivate", administrator, {"person": checker})
    (warning,) = sealed.read(change.sealed).content["warnings"]
    assert (warning["title"], waiting.reference in warning["text"]) == (
        "1 approval of theirs would count no more",
        True,
    )


def test_the_last_two_administrators_stay(administrator: User, admin2: User, house: None) -> None:
    with pytest.raises(BadInput, match="asks for 2 administrators, and 1 would be left"):
        propose("person.deactivate", administrator, {"person": admin2})


def test_people_who_left_meanwhile_make_it_stale(
    administrator: User, admin2: User, managers: list[User], gateway: Gateway
) -> None:
    change = approve(propose("person.deactivate", administrator, {"person": managers[0]}), admin2)
    User.objects.filter(pk=managers[1].pk).update(is_active=False)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "stale"
    assert "“Cannot be undone” asks for 2 managers, and 1 would be left." in change.explanation
    assert User.objects.get(pk=managers[0].pk).is_active
