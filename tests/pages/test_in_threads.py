"""A server of several threads answers all of them alike, whichever was the first to ask a page."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.pages.conftest import propose_rename, signed_in

THREADS = 4


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/customers/",
        "/customers/?q=halcyon",
        "/customers/?q=zz-nothing",
        "/customers/?plan={plan}",
        "/customers/?q=halcyon&plan={plan}&status=all",
        "/customers/{id}/",
        "/customers.csv?q=halcyon",
        "/plans/",
        "/contracts/?q=halcyon",
        "/contracts.csv",
        "/changes/?view=all",
        "/search/?q=halcyon",
        "/audit/?customer=halcyon",
        "/audit/?q=halcyon",
        "/audit/export.csv?customer=halcyon",
        "/system/",
    ],
)
def test_every_thread_gets_the_page(
    address: str, ready: None, people: dict[str, User], halcyon: Customer
) -> None:
    """Each thread has its own connection; what a process keeps for all of them must hold none."""
    propose_rename(halcyon, people["finance"], "Halcyon Logistics GmbH")
    address = address.format(id=halcyon.pk, plan=halcyon.customer_plans.get().plan_id)
    browsers = [signed_in(people["manager"]) for _ in range(THREADS)]
    begin = threading.Barrier(THREADS)

    def ask(browser: Client) -> list[int]:
        begin.wait(30)
        try:
            answers = [browser.get(address, follow=True) for _ in range(2)]
            assert all(answer.getvalue() for answer in answers)
            return [answer.status_code for answer in answers]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(ask, browsers)) == [[200, 200]] * THREADS
