"""No page that anybody may open scrolls sideways on a phone, however long what it shows is."""

from __future__ import annotations

from typing import Any

import pytest

from billing.changes.asking.kinds import KINDS
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.plan import Plan
from billing.users import User
from tests.journeys.conftest import Live
from tests.journeys.test_main_job import customer_of
from tests.pages.conftest import add_customer, now, propose_rename
from tests.pages.test_access import PEOPLE, PLAN, TABLE, address_of
from tests.world import propose

PHONE = {"width": 390, "height": 844}
LONG = "W" * 160
NOT_PAGES = ("healthz", "readyz", "account_logout", "billing:change-live", "billing:changes-moved")
SIDEWAYS = "document.scrollingElement.scrollWidth - innerWidth"
OUTSIDE = (
    "[...document.querySelectorAll('main *')].filter(each => each.getBoundingClientRect().right > innerWidth)"
    ".slice(0, 3).map(each => each.outerHTML.slice(0, 80))"
)

CUT = """() => [...document.querySelectorAll('.signature .who')].filter(who => {
    const box = who.getBoundingClientRect(), card = who.closest('.card').getBoundingClientRect();
    const words = who.querySelector('bdi').getBoundingClientRect();
    const isWide = words.left < box.left || words.right > box.right;
    return isWide || words.top < card.top || words.bottom > box.bottom;
}).map(who => who.innerText)"""


@pytest.fixture
def world(live: Live, maker: User) -> dict[str, Any]:
    """A customer, a plan and a request whose names are as long as they may be and never break."""
    plan = Plan.objects.create(id=PLAN, name=LONG, fetched_at=now())
    customer = add_customer(LONG, aliases=["a" * 128, "b " * 64], plan=plan)
    change = propose_rename(customer, maker, "X" * 160)
    return {"customer": str(customer.pk), "reference": change.reference, "people": {"finance": maker}}


def pages_of(role: str, world: dict[str, Any]) -> list[str]:
    """Every address that the role may open, and what it gets where there is nothing or no right."""
    opened = [
        name
        for name, (method, row) in TABLE.items()
        if method == "get" and row[PEOPLE.index(role)] in (200, 403)
        if name not in NOT_PAGES and not name.endswith("-csv")
    ]
    more = ["/changes/?view=all", "/search/?q=WWW", "/changes/CR-999999/", "/nowhere/"]
    if role == "finance":
        more += [f"/changes/new/{kind}/?customer={world['customer']}" for kind in KINDS]
    return [*(address_of(name, world) for name in opened), *more]


@pytest.mark.parametrize("role", ["finance", "manager", "auditor", "administrator"])
def test_no_page_scrolls_sideways(
    role: str, live: Live, world: dict[str, Any], maker: User, request: pytest.FixtureRequest
) -> None:
    fixture = {"finance": "maker", "manager": "checker"}.get(role, role)
    person = request.getfixturevalue(fixture)
    page = live.page(person, viewport=PHONE)

    wider = {}
    for address in pages_of(role, world):
        page.goto(address)
        if (by := page.evaluate(SIDEWAYS)) > 0:
            wider[address] = (by, page.evaluate(OUTSIDE))

    assert wider == {}


@pytest.mark.parametrize("width", [1280, 390])
def test_every_signature_stands_inside_its_box(width: int, live: Live, maker: User, checker: User) -> None:
    snapshot = mirror.snapshot(customer_of(live)["id"])
    change = propose("customer.realias", maker, {"ingest_aliases": []}, snapshot=snapshot)
    page = live.page(checker, viewport={"width": width, "height": 900})

    page.goto(f"/changes/{change.reference}/")

    assert page.locator(".signature").count() == 4
    assert page.evaluate(CUT) == []
