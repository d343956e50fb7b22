"""What carrying out a request costs of the budget, and that the mirror follows without reading twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from billing.changes.applying import apply
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest
from billing.metronome.account import Gateway
from billing.mirror.connection import ensure_account
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, propose

CUSTOMER = "GET /v1/customers/{customer_id}"
LIST = "GET /v1/customers"
PLANS = "GET /v1/customers/{customer_id}/plans"


def applied_at_the_cost_of(
    change: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> dict[str, int]:
    """Carry a request out, once it is known whose account it is; how often each route was asked."""
    ensure_account(gateway)
    before = Counter(simulator.requests()["counts"])
    apply.apply_change(change.pk, gateway)
    change.refresh_from_db()
    assert change.status == "applied"
    return dict(Counter(simulator.requests()["counts"]) - before)


def test_a_renaming_costs_a_check_a_write_and_a_read_back(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any]
) -> None:
    fetched_at = Customer.objects.get(pk=snapshot["id"]).fetched_at

    cost = applied_at_the_cost_of(approved, gateway, simulator)

    assert cost == {CUSTOMER: 2, "POST /v1/customers/{customer_id}/setName": 1}
    assert mirror.snapshot(snapshot["id"]) == snapshot | {"name": "Halcyon Freight GmbH"}
    customer = Customer.objects.get(pk=snapshot["id"])
    attempt = approved.calls.get().attempts.get()
    assert fetched_at < attempt.sent_at <= customer.fetched_at <= attempt.answered_at


def test_a_change_of_aliases_costs_five_requests(
    gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any], maker: User, checker: User
) -> None:
    entered = {"ingest_aliases": [*snapshot["ingest_aliases"], "meter-new"]}
    change = approve(propose("customer.realias", maker, entered, snapshot=snapshot), checker)

    cost = applied_at_the_cost_of(change, gateway, simulator)

    assert cost == {CUSTOMER: 2, LIST: 2, "POST /v1/customers/{customer_id}/setIngestAliases": 1}
    aliases = sorted([*snapshot["ingest_aliases"], "meter-new"])
    assert mirror.snapshot(snapshot["id"]) == snapshot | {"ingest_aliases": aliases}


def test_creating_a_customer_costs_four_requests(
    gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any], maker: User, checker: User
) -> None:
    entered = {"name": "Brand New", "ingest_aliases": ["brand-new"], "custom_fields": {}}
    change = approve(propose("customer.create", maker, entered), checker)

    cost = applied_at_the_cost_of(change, gateway, simulator)

    assert cost == {LIST: 2, "POST /v1/customers": 1, CUSTOMER: 1}
    made = simulator.customer(name="Brand New")
    assert mirror.snapshot(made["id"])["ingest_aliases"] == ["brand-new"]


def test_archiving_reads_each_call_back_and_what_hangs_on_it_once_more(
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    survey = read_survey(gateway, snapshot["id"])
    entered = {"clear_aliases": True, "open_business_reason": "moved"}
    change = propose("customer.archive", maker, entered, snapshot=snapshot, survey=survey)
    approve(change, checker, checker2)

    cost = applied_at_the_cost_of(change, gateway, simulator)

    assert LIST not in cost
    assert (cost[CUSTOMER], cost["POST /v1/customers/archive"]) == (4, 1)
    assert mirror.snapshot(snapshot["id"])["archived_at"] is not None
    assert cost[PLANS] >= 1
    assert sum(cost.values()) == 15  # contracts and invoices once more, to compare what came of them
