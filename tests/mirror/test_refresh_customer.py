"""Reading one customer: stored, found missing, or left alone when Metronome gives no answer."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.audit.models import AuditEvent
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers, read_customer
from billing.metronome.objects.subscription import customer_plans
from billing.mirror.models import RefreshRun
from billing.mirror.refresh import ask_refresh, refresh_account, refresh_customer, store_customer
from billing.mirror.resources.customer import queries
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import by

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def customer_id(gateway: Gateway) -> str:
    """A mirrored, active customer that is on a plan."""
    refresh_account(gateway)
    return str(CustomerPlan.objects.filter(customer__archived_at__isnull=True).first().customer_id)


def test_one_customer_and_its_plans_are_mirrored_into_an_empty_house(
    gateway: Gateway, simulator: RunningSimulator, maker: User
) -> None:
    listed = gateway.page(customers(archived=False)).items[0]

    run = refresh_customer(gateway, listed.id, requested_by=maker)

    assert (run.status, run.error, run.requested_by) == ("succeeded", "", maker)
    assert (run.scope, str(run.customer_id)) == ("customer", listed.id)
    assert run.requests_spent == 2
    assert queries.snapshot(listed.id) == listed.as_snapshot()
    live = {plan.id for plan in gateway.every(customer_plans(listed.id))}
    assert {str(plan.pk) for plan in CustomerPlan.objects.all()} == live
    assert Customer.objects.count() == 1


def test_an_unchanged_customer_is_dated_anew(gateway: Gateway, customer_id: str) -> None:
    before = Customer.objects.get(pk=customer_id)

    run = refresh_customer(gateway, customer_id)

    after = Customer.objects.get(pk=customer_id)
    assert run.rows_written == 1
    assert run.started_at <= after.fetched_at <= run.finished_at
    assert before.fetched_at < after.fetched_at
    assert list(after.aliases.values("pk", "alias")) == list(before.aliases.values("pk", "alias"))


def test_an_archived_customer_is_no_missing_one(
    gateway: Gateway, simulator: RunningSimulator, customer_id: str
) -> None:
    simulator.change("archive", id=customer_id)

    run = refresh_customer(gateway, customer_id)

    row = Customer.objects.get(pk=customer_id)
    assert (run.status, run.marked_missing) == ("succeeded", 0)
    assert row.archived_at is not None
    assert row.missing_since is None


def test_a_customer_that_metronome_does_not_know_is_marked_missing_with_its_plans(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    refresh_account(gateway)
    gone = Customer.objects.create(id=uuid4(), name="Nobody Ltd", fetched_at=LONG_AGO)
    plan = CustomerPlan.objects.create(
        id=uuid4(), customer=gone, plan=Plan.objects.first(), starting_on=LONG_AGO, fetched_at=LONG_AGO
    )

    run = refresh_customer(gateway, gone.pk)

    # by id, then in the list of active and of archived customers
    assert (run.status, run.marked_missing, run.requests_spent) == ("succeeded", 2, 3)
    for row in (gone, plan):
        row.refresh_from_db()
        assert row.missing_since is not None


def test_a_404_alone_marks_nobody(gateway: Gateway, simulator: RunningSimulator, customer_id: str) -> None:
    simulator.fault(
        "GET /v1/customers/{customer_id}", "status_before", status=404, message="not found", count=None
    )

    run = refresh_customer(gateway, customer_id)

    assert (run.status, run.marked_missing) == ("succeeded", 0)
    assert Customer.objects.get(pk=customer_id).missing_since is None


def test_an_id_that_nobody_knows_is_told(gateway: Gateway) -> None:
    run = refresh_customer(gateway, uuid4())

    assert run.status == "failed"
    assert run.error == "Metronome knows no customer with this id, and neither does the mirror."
    assert not Customer.objects.exists()


@pytest.mark.parametrize("kind", ["html", "empty_object", "drop_after"])
def test_no_trustworthy_answer_changes_nothing(
    gateway: Gateway, simulator: RunningSimulator, customer_id: str, kind: str
) -> None:
    before = Customer.objects.values().get(pk=customer_id)
    simulator.fault("GET /v1/customers/{customer_id}", kind, count=None)

    run = refresh_customer(gateway, customer_id)

    assert run.status == "failed"
    assert run.error.startswith("It broke off at the customer: ")
    assert Customer.objects.values().get(pk=customer_id) == before


def test_the_customer_stays_read_when_its_plans_can_not_be(
    gateway: Gateway, simulator: RunningSimulator, customer_id: str
) -> None:
    simulator.change("rename", customer_id, name="Renamed meanwhile")
    simulator.fault("GET /v1/customers/{customer_id}/plans", "status_before", status=500, count=None)

    run = refresh_customer(gateway, customer_id)

    assert run.status == "failed"
    assert "the customer’s plans" in run.error
    assert Customer.objects.get(pk=customer_id).name == "Renamed meanwhile"
    assert not CustomerPlan.objects.filter(missing_since__isnull=False).exists()


def test_a_subscription_that_is_no_longer_listed_goes_missing(gateway: Gateway, customer_id: str) -> None:
    gone = CustomerPlan.objects.create(
        id=uuid4(),
        customer_id=customer_id,
        plan=Plan.objects.first(),
        starting_on=LONG_AGO,
        fetched_at=LONG_AGO,
    )

    run = refresh_customer(gateway, customer_id)

    assert run.marked_missing == 1
    gone.refresh_from_db()
    assert gone.missing_since is not None


def test_an_older_answer_does_not_replace_a_newer_one(gateway: Gateway, customer_id: str) -> None:
    record = read_customer(gateway, customer_id)
    read_at = timezone.now()
    refresh_customer(gateway, customer_id)
    Customer.objects.filter(pk=customer_id).update(name="Read after")

    store_customer(record, read_at - timedelta(seconds=1))

    assert Customer.objects.get(pk=customer_id).name == "Read after"


def test_asking_for_a_refresh_is_recorded(gateway: Gateway, customer_id: str, maker: User) -> None:
    name = Customer.objects.get(pk=customer_id).name
    runs = RefreshRun.objects.count()

    ask_refresh(by(maker))
    ask_refresh(by(maker), Customer.objects.get(pk=customer_id).pk)

    events = AuditEvent.objects.filter(event_type="mirror.refresh_requested").order_by("pk")
    assert [(e.subject_type, e.subject_text, str(e.customer_id)) for e in events] == [
        ("mirror", "Whole account", "None"),
        ("customer", name, customer_id),
    ]
    assert RefreshRun.objects.count() == runs
