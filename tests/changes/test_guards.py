"""The guards of added aliases: what they cost, what they find, and that they never outlive their claim."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from billing.changes.applying import apply, claiming, preflight, sweeping
from billing.changes.asking.kinds.customer import free_aliases
from billing.changes.models import Attempt, ChangeRequest
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_account
from billing.users import User
from tests.changes.test_decide import events
from tests.simulator_server import RunningSimulator
from tests.world import approve, propose

LIST = "GET /v1/customers"


def adding(aliases: list[str], snapshot: dict[str, Any], maker: User, *checkers: User) -> ChangeRequest:
    """A request that adds these aliases, approved by the checkers."""
    entered = {"ingest_aliases": [*snapshot["ingest_aliases"], *aliases]}
    change = propose("customer.realias", maker, entered, snapshot=snapshot)
    return approve(change, *checkers) if checkers else change


def many(number: int) -> list[str]:
    return [f"meter-{position:04}" for position in range(number)]


def lists_read(simulator: RunningSimulator) -> int:
    """Requests for the customer list since the simulator began."""
    return simulator.requests()["counts"].get(LIST, 0)


def test_many_aliases_cost_one_reading_of_a_small_account(
    snapshot: dict[str, Any], gateway: Gateway, simulator: RunningSimulator, maker: User, checker: User
) -> None:
    refresh_account(gateway)
    change = adding(many(300), snapshot, maker, checker)
    before = lists_read(simulator)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "applied"
    assert lists_read(simulator) - before == 2  # the active and the archived customers, a page each
    assert len(simulator.ledger()) == 1


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_an_alias_among_many_that_another_customer_holds_is_never_sent(
    archived: bool,
    mirrored: bool,
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
) -> None:
    change = adding(many(50), snapshot, maker, checker)
    other = simulator.change("create", name="The other one", ingest_aliases=["meter-0037"])["data"]
    if archived:
        simulator.change("archive", other["id"])
    if mirrored:
        refresh_account(gateway)
    effects = len(simulator.ledger())

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "stale"
    assert change.explanation == (
        f"“meter-0037” is held by The other one ({other['id']}){', which is archived,' if archived else ''}"
        " by now."
    )
    assert len(simulator.ledger()) == effects
    assert not Attempt.objects.exists()


def test_a_list_longer_than_the_mirror_has_it_is_given_up_for_asking_one_by_one(
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(free_aliases, "_pages_of_the_account", lambda most: 1)
    monkeypatch.setattr(free_aliases, "customers", partial(free_aliases.customers, limit=10))
    simulator.change("create", name="The other one", ingest_aliases=["meter-0003"])
    change = adding(many(5), snapshot, maker, checker)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.explanation[:12]) == ("stale", "“meter-0003”")


def test_a_check_asks_for_a_bounded_number_of_aliases(
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        free_aliases, "SPARE_PAGES", 1_000
    )  # as in an account of a hundred thousand customers
    change = adding(many(400), snapshot, maker)
    before = lists_read(simulator)

    preflight.check_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.check_error) == ("submitted", "")
    assert lists_read(simulator) - before == preflight.MOST_OF_A_CHECK


def test_work_longer_than_the_lease_is_done_once_by_whoever_began_it(
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.WRITE_DEADLINE_SECONDS, settings.LEASE_SECONDS, settings.LEASE_MARGIN_SECONDS = 1, 3, 1
    monkeypatch.setattr(free_aliases, "SPARE_PAGES", 1_000)
    change = adding(many(12), snapshot, maker, checker)
    simulator.control("POST", "latency", {"seconds": 0.3})
    ask, recovered = free_aliases.customers_holding_alias, []

    def asked_beside_a_sweep(gateway: Gateway, alias: str) -> Any:
        recovered.append(sweeping.recover_lost_claims())
        return ask(gateway, alias)

    monkeypatch.setattr(free_aliases, "customers_holding_alias", asked_beside_a_sweep)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert recovered == [0] * 12
    assert change.status == "applied"
    assert events(change) == [
        "change.submitted",
        "change.approved",
        "call.sent",
        "call.applied",
        "change.applied",
    ]
    assert len(simulator.ledger()) == 1


def test_whoever_lost_the_lease_stops_and_sends_nothing(
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claiming, "RENEW_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(free_aliases, "SPARE_PAGES", 1_000)
    change = adding(many(5), snapshot, maker, checker)
    ask, asked = free_aliases.customers_holding_alias, []

    def asked_after_a_long_sleep(gateway: Gateway, alias: str) -> Any:
        asked.append(alias)
        ChangeRequest.objects.filter(pk=change.pk).update(lease_until="2020-01-01T00:00:00Z")
        assert sweeping.recover_lost_claims() == 1
        return ask(gateway, alias)

    monkeypatch.setattr(free_aliases, "customers_holding_alias", asked_after_a_long_sleep)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert asked == ["meter-0000"]
    assert change.status == "approved"
    assert change.explanation == "The worker stopped before anything was sent."
    assert not Attempt.objects.exists()
    assert simulator.ledger() == []
