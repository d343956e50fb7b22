"""What a refresh doesn't see is asked for again, and only then called missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers
from billing.mirror.connection import open_gateway
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.custom_field_key import CustomFieldKey, customer_field_keys
from billing.mirror.resources.customer import queries
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan
from tests.simulator_server import RunningSimulator

LONG_AGO = "2020-01-01T00:00:00Z"


class ForgetfulGateway(Gateway):
    """Metronome as it might be while its lists lag: `hidden` customers are in no list, but there by id."""

    hidden: frozenset[str] = frozenset()

    def _exchange(self, method: str, path: str, body: Any, query: Any, *more: Any, **how: Any) -> Any:
        answer = super()._exchange(method, path, body, query, *more, **how)
        if "customer_ids" in (query or {}) or not path.endswith("customers"):
            return answer
        whole = json.loads(answer.body)
        whole["data"] = [
            row for row in whole["data"] if row.get("customer_details", row)["id"] not in self.hidden
        ]
        return replace(answer, body=json.dumps(whole).encode())


@pytest.fixture
def forgetful(house: None) -> Iterator[ForgetfulGateway]:
    with open_gateway() as opened, ForgetfulGateway(opened.config) as gateway:
        yield gateway


def ghost(name: str = "Nobody Ltd") -> Customer:
    """A customer that only the mirror knows."""
    return Customer.objects.create(id=uuid4(), name=name, fetched_at=LONG_AGO)


def missing() -> set[UUID]:
    return set(Customer.objects.filter(missing_since__isnull=False).values_list("pk", flat=True))


def test_a_customer_that_nobody_knows_any_more_is_marked_missing(gateway: Gateway) -> None:
    refresh_account(gateway)
    gone = ghost()

    run = refresh_account(gateway)

    assert (run.status, run.suspects, run.marked_missing) == ("succeeded", 1, 1)
    assert missing() == {gone.pk}
    assert queries.snapshot(gone.pk) is None
    assert Customer.objects.count() == 31
    # two more than a refresh without suspects: asked for by id among the active and among the archived
    assert run.requests_spent == 14


def test_what_is_missing_already_is_not_asked_for_again(gateway: Gateway) -> None:
    refresh_account(gateway)
    ghost()
    refresh_account(gateway)

    run = refresh_account(gateway)

    assert (run.suspects, run.marked_missing, run.requests_spent) == (0, 0, 12)


def test_a_customer_that_a_list_left_out_is_found_by_id(forgetful: ForgetfulGateway) -> None:
    refresh_account(forgetful)
    active, archived = (forgetful.page(customers(archived=each)).items[0].id for each in (False, True))
    forgetful.hidden = frozenset({active, archived})

    run = refresh_account(forgetful)

    assert run.status == "succeeded"
    assert missing() == set()
    hidden_plans = CustomerPlan.objects.filter(customer_id=active).count()
    assert run.suspects == 2 + hidden_plans
    assert run.marked_missing == 0


def test_a_customer_that_is_seen_again_is_no_longer_missing(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    refresh_account(gateway)
    back = gateway.page(customers(archived=False)).items[5]
    Customer.objects.filter(pk=back.id).update(missing_since=LONG_AGO)

    run = refresh_account(gateway)

    assert run.rows_written == 1
    assert missing() == set()


def test_a_customer_read_since_the_run_began_is_no_suspect(gateway: Gateway) -> None:
    refresh_account(gateway)
    fresh = ghost()
    Customer.objects.filter(pk=fresh.pk).update(fetched_at="2999-01-01T00:00:00Z")

    run = refresh_account(gateway)

    assert (run.suspects, run.marked_missing) == (0, 0)


def test_more_absentees_than_anybody_would_delete_fail_the_refresh(gateway: Gateway) -> None:
    refresh_account(gateway)
    for number in range(11):
        ghost(f"Ghost {number}")

    run = refresh_account(gateway)

    assert run.status == "failed"
    assert "11 of 41 customers were not seen" in run.error
    assert missing() == set()
    assert run.requests_spent == 12


def test_ten_absentees_are_looked_into_however_small_the_mirror(gateway: Gateway) -> None:
    refresh_account(gateway)
    gone = {ghost(f"Ghost {number}").pk for number in range(10)}

    run = refresh_account(gateway)

    assert run.status == "succeeded"
    assert missing() == gone


def test_a_refresh_that_breaks_while_it_confirms_marks_nothing(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    refresh_account(gateway)
    ghost()
    listed = gateway.page(customers(archived=False)).items[0]
    Plan.objects.create(id=uuid4(), name="Long gone", fetched_at=LONG_AGO)
    simulator.change("rename", listed.id, name="Renamed meanwhile")
    simulator.fault("GET /v1/plans", "status_before", status=500, skip=1)

    run = refresh_account(gateway, pauses=())

    assert run.status == "failed"
    assert run.phase == "plans, once more"
    assert missing() == set()
    assert not Plan.objects.filter(missing_since__isnull=False).exists()
    assert queries.snapshot(listed.id)["name"] == "Renamed meanwhile"


def test_plans_subscriptions_and_keys_go_missing_too(gateway: Gateway) -> None:
    refresh_account(gateway)
    owner = CustomerPlan.objects.filter(customer__archived_at__isnull=True).first()
    plan = Plan.objects.create(id=uuid4(), name="Long gone", fetched_at=LONG_AGO)
    ended = CustomerPlan.objects.create(
        id=uuid4(), customer=owner.customer, plan=owner.plan, starting_on=LONG_AGO, fetched_at=LONG_AGO
    )
    key = CustomFieldKey.objects.create(entity="customer", key="gone_key", fetched_at=LONG_AGO)

    run = refresh_account(gateway)

    assert (run.status, run.suspects, run.marked_missing) == ("succeeded", 3, 3)
    for row in (plan, ended, key):
        row.refresh_from_db()
        assert row.missing_since is not None
    assert "gone_key" not in customer_field_keys()
    assert CustomerPlan.objects.filter(missing_since__isnull=False).get() == ended


def test_a_missing_customers_subscriptions_go_with_it_unasked(gateway: Gateway) -> None:
    refresh_account(gateway)
    gone = ghost()
    subscription = CustomerPlan.objects.create(
        id=uuid4(), customer=gone, plan=Plan.objects.first(), starting_on=LONG_AGO, fetched_at=LONG_AGO
    )

    run = refresh_account(gateway)

    assert (run.marked_missing, run.requests_spent) == (2, 14)
    subscription.refresh_from_db()
    assert subscription.missing_since is not None
