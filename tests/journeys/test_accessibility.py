"""axe finds no serious violation on the pages where money is decided, in both themes and on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from axe_core_python.sync_playwright import Axe

from billing.users import User
from tests.journeys.conftest import Live
from tests.journeys.test_main_job import customer_of
from tests.world import propose


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_serious(live: Live, maker: User, checker: User, width: int, scheme: Any) -> None:
    from billing.mirror.resources.customer import queries as mirror

    customer = customer_of(live)
    snapshot = mirror.snapshot(customer["id"])
    change = propose("customer.realias", maker, {"ingest_aliases": ["one", "two "]}, snapshot=snapshot)
    page = live.page(checker, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for address in (
        "/",
        "/customers/",
        f"/customers/{customer['id']}/",
        "/changes/",
        f"/changes/{change.reference}/",
        "/changes/new/customer.create/",
        "/notices/",
        "/audit/",
        "/system/",
    ):
        page.goto(address)
        found = Axe().run(page)
        serious = [
            (address, violation["id"], [node["target"] for node in violation["nodes"]][:3])
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == []
