"""A page costs the same queries for two rows and for twenty."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from billing.mirror.models import RefreshRun
from billing.mirror.resources.plan import Plan
from billing.users import User
from tests.pages.conftest import add_customer, add_people, now, open_house, propose_rename, signed_in

PLAN = "00000000-0000-0000-0000-000000000001"
# Of each page three are the frame's: the session, the person, how things stand for them.
PAGES = {
    "/": 11,  # active, archived and missing from the tally, new ones from an index: not one scan of all
    "/customers/?q=customer": 8,
    f"/plans/{PLAN}/": 6,
    "/plans/": 5,
    "/changes/": 8,  # the people of the filter, and the policy of what may be decided together
    "/changes/?view=all": 7,
    "/audit/": 5,
    "/system/": 14,  # one asks for a new beginning that waits, one for the mark, one for what came out,
    # and two for how far the round of customers’ lists is
}


@pytest.mark.parametrize("address", PAGES)
def test_the_number_of_queries_does_not_grow_with_the_rows(
    address: str, transactional_db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    open_house()
    people = add_people()
    client = signed_in(people["manager"])
    plan = Plan.objects.create(id=PLAN, name="Scale 2026", fetched_at=now())
    fill(people, plan, 2)
    with django_assert_num_queries(PAGES[address]):
        client.get(address)

    fill(people, plan, 18)

    with django_assert_num_queries(PAGES[address]):
        client.get(address)


@pytest.mark.parametrize(("role", "number"), [("manager", 16), ("finance", 12), ("auditor", 12)])
def test_a_request_costs_the_same_queries_however_many_wait(
    role: str, number: int, transactional_db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    open_house()
    people = add_people()
    change = propose_rename(add_customer("Halcyon"), people["finance"], "Halcyon Logistics")
    client = signed_in(people[role])
    client.get(f"/changes/{change.reference}/")  # asks for a check, once a minute
    with django_assert_num_queries(number):
        client.get(f"/changes/{change.reference}/")

    fill(people, Plan.objects.create(id=PLAN, name="Scale 2026", fetched_at=now()), 5)

    with django_assert_num_queries(number):
        client.get(f"/changes/{change.reference}/")


def fill(people: dict[str, User], plan: Plan, number: int) -> None:
    """More customers on a plan, each with an open request; more plans and refreshes."""
    for place in range(number):
        customer = add_customer(f"Customer {uuid4()}", plan=plan)
        propose_rename(customer, people["finance"], f"Renamed {place}")
        Plan.objects.create(id=uuid4(), name=f"Plan {place}", fetched_at=now())
        RefreshRun.objects.create(status="succeeded", scope="account", requested_by=people["manager"])
