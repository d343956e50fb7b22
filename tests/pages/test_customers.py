"""The customers list, a customer's page, and the list as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes.models import ChangeRequest
from billing.mirror.models import RefreshRun
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.plan import Plan
from tests.pages.conftest import add_customer, now, squeezed

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=HYPERLINK(1)", "شركة", "X" * 160]


def names_on(client: Client, address: str) -> list[str]:
    """The names of the customers on a page of the list, in order."""
    return [row.name for row in client.get(address).context["page"].rows]


def names_in(answer) -> list[str]:
    """The names in a CSV answer, in order."""
    rows = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    return [row["name"] for row in rows]


def test_names_from_outside_are_escaped_everywhere(finance: Client, refreshed: RefreshRun) -> None:
    customers = [add_customer(name, aliases=[f"{name} "]) for name in HOSTILE]

    pages = [finance.get("/customers/").content.decode()]
    pages += [finance.get(f"/customers/{customer.pk}/").content.decode() for customer in customers]
    pages.append(finance.get("/search/?q=X", headers={"HX-Request": "true"}).content.decode())

    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in pages[0]
    assert "<bdi>شركة</bdi>" in pages[0]


def test_the_list_narrows_by_every_filter_and_its_csv_holds_the_same_rows(
    finance: Client, plan: Plan, refreshed: RefreshRun
) -> None:
    add_customer("Halcyon Freight", aliases=["halcyon-eu"], plan=plan)
    add_customer("Halcyon Labs", archived_at=now())
    add_customer("Acorn", aliases=["acorn-halcyon"])
    add_customer("Gone", missing_since=now())

    expected = {
        "": ["Acorn", "Halcyon Freight"],
        "?sort=-name": ["Halcyon Freight", "Acorn"],
        "?q=halcyon": ["Halcyon Freight"],
        "?q=halcyon&status=all": ["Halcyon Freight", "Halcyon Labs"],
        "?q=acorn-h": ["Acorn"],
        "?status=archived": ["Halcyon Labs"],
        "?status=missing": ["Gone"],
        f"?plan={plan.pk}": ["Halcyon Freight"],
        "?q=nobody": [],
    }

    assert {query: names_on(finance, f"/customers/{query}") for query in expected} == expected
    assert {query: names_in(finance.get(f"/customers.csv{query}")) for query in expected} == expected


def test_taking_the_list_is_recorded_with_its_filter(finance: Client, halcyon: Customer) -> None:
    finance.get("/customers.csv?q=halcyon&status=all").getvalue()

    event = AuditEvent.objects.get(event_type=Event.LIST_EXPORTED)
    assert (event.actor_text, event.ip) == ("Priya Raman", "127.0.0.1")
    assert event.new == {"filter": {"q": "halcyon", "status": "all", "sort": "name"}}


def test_fifty_rows_a_page_lead_on_and_back(finance: Client, refreshed: RefreshRun) -> None:
    for number in range(60):
        add_customer(f"Customer {number:02}")

    first = finance.get("/customers/").context["page"]
    second = finance.get(f"/customers/?cursor={first.older}").context["page"]
    back = finance.get(f"/customers/?cursor={second.newer}").context["page"]

    assert [row.name for row in first.rows] == [f"Customer {number:02}" for number in range(50)]
    assert [row.name for row in second.rows] == [f"Customer {number:02}" for number in range(50, 60)]
    assert back.rows == first.rows


def test_under_htmx_only_the_results_are_drawn_and_announced(finance: Client, halcyon: Customer) -> None:
    answer = finance.get("/customers/?q=halc", headers={"HX-Request": "true"})
    page = squeezed(answer.content.decode())

    assert "HX-Request" in answer["Vary"]
    assert "<html" not in page
    assert '<section id="results"' in page
    assert '<p id="results-said" hx-swap-oob="innerHTML"> <strong>1</strong> customer </p>' in page


@pytest.mark.parametrize("query", ["status=bogus", "sort=bogus", "plan=bogus", "q=%00", "q=" + "x" * 401])
def test_a_filter_that_makes_no_sense_is_said_and_refused(finance: Client, query: str) -> None:
    answer = finance.get(f"/customers/?{query}")

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert finance.get(f"/customers.csv?{query}").status_code == 400


def test_a_cursor_that_makes_no_sense_shows_the_first_page_and_says_so(
    finance: Client, halcyon: Customer
) -> None:
    answer = finance.get("/customers/?cursor=bogus")

    assert [row.name for row in answer.context["page"].rows] == ["Halcyon Freight GmbH"]
    assert "names a place in the list that can’t be read" in answer.content.decode()


def test_filtered_to_nothing_offers_archived_ones_and_a_clear_list(
    finance: Client, halcyon: Customer
) -> None:
    page = squeezed(finance.get("/customers/?q=nobody").content.decode())

    assert "No active customer matches “<bdi>nobody</bdi>”" in page
    assert 'href="/customers/?q=nobody&amp;status=all">Search archived ones too</a>' in page
    assert 'href="/customers/">Clear filters</a>' in page


def test_a_customer_shows_its_aliases_to_the_byte(finance: Client, halcyon: Customer) -> None:
    page = finance.get(f"/customers/{halcyon.pk}/").content.decode()

    assert '<span class="key">hf.telematics<span class="sp"> </span></span>' in page
    assert '<span class="tag">ends with a space</span>' in page


def test_two_thousand_aliases_are_folded(finance: Client, refreshed: RefreshRun) -> None:
    customer = add_customer("Many", aliases=[f"alias-{number:04}" for number in range(2_000)])

    context = finance.get(f"/customers/{customer.pk}/").context

    assert len(context["aliases"]) == 24
    assert len(context["folded_aliases"]) == 1_976


def test_an_open_request_disables_what_it_holds_and_says_why(
    finance: Client, halcyon: Customer, renaming: ChangeRequest
) -> None:
    answer = finance.get(f"/customers/{halcyon.pk}/")

    blocked = {offer.kind: offer.blocked_by for offer in answer.context["offers"]}
    assert blocked == {
        "customer.realias": "",
        "customer.move_alias": "",
        "customer.set_fields": "",
        "customer.delete_fields": "",
        "plan.add": "",
        "plan.end": "",
        "billing.set": "",
        "billing.archive": "",
        "contract.rename": "",
        "contract.end": "",
        "customer.rename": renaming.reference,
        "customer.archive": renaming.reference,
    }
    page = answer.content.decode()
    assert f'href="/changes/new/customer.realias/?customer={halcyon.pk}"' in page
    assert f'href="/changes/new/customer.rename/?customer={halcyon.pk}"' not in page
    assert f'href="/changes/new/customer.archive/?customer={halcyon.pk}"' not in page


@pytest.mark.parametrize("role", ["auditor", "administrator"])
def test_who_may_not_propose_sees_no_button(
    browser: Callable[[str], Client], halcyon: Customer, role: str
) -> None:
    assert "/changes/new/" not in browser(role).get(f"/customers/{halcyon.pk}/").content.decode()
    assert "/changes/new/" not in browser(role).get("/customers/").content.decode()


def test_nothing_is_offered_for_an_archived_or_missing_customer(
    finance: Client, refreshed: RefreshRun
) -> None:
    archived = add_customer("Old", archived_at=now())
    missing = add_customer("Gone", missing_since=now())

    assert "/changes/new/" not in finance.get(f"/customers/{archived.pk}/").content.decode()
    assert "/changes/new/" not in finance.get(f"/customers/{missing.pk}/").content.decode()


def test_only_who_may_read_the_record_sees_a_customers_history(
    finance: Client, manager: Client, halcyon: Customer, renaming: ChangeRequest
) -> None:
    assert finance.get(f"/customers/{halcyon.pk}/").context["events"] is None
    events = manager.get(f"/customers/{halcyon.pk}/").context["events"]
    assert [event.event_type for event in events] == [Event.CHANGE_SUBMITTED]


def test_a_page_says_how_old_its_facts_are(finance: Client, halcyon: Customer, refreshed: RefreshRun) -> None:
    assert "<span>Fresh</span>" in finance.get("/customers/").content.decode()

    RefreshRun.objects.update(started_at=now() - timedelta(minutes=13))
    assert "<span>Ageing</span>" in finance.get("/customers/").content.decode()

    RefreshRun.objects.update(started_at=now() - timedelta(minutes=47))
    page = finance.get("/customers/").content.decode()
    assert "<span>Stale</span>" in page
    assert re.search(r'This data is <time datetime="[0-9T:-]+Z" data-age="282\d">47 min</time> old\.', page)

    Customer.objects.filter(pk=halcyon.pk).update(fetched_at=now())
    assert "<span>Fresh</span>" in finance.get(f"/customers/{halcyon.pk}/").content.decode()


def test_search_opens_an_exact_id_or_reference_at_once(
    finance: Client, halcyon: Customer, renaming: ChangeRequest
) -> None:
    assert finance.get(f"/search/?q={halcyon.pk}")["Location"] == f"/customers/{halcyon.pk}/"
    assert (
        finance.get(f"/search/?q={renaming.reference.lower()}")["Location"]
        == f"/changes/{renaming.reference}/"
    )
    assert finance.get("/search/?q=halc")["Location"] == "/customers/?q=halc&status=all"
    assert finance.get("/search/?q=")["Location"] == "/customers/"


def hits(browser: Client, words: str) -> list[str]:
    """Where the options of the palette lead, in order."""
    answer = browser.get("/search/", {"q": words}, headers={"HX-Request": "true"})
    return re.findall(r'role="option"[^>]* href="([^"]+)"', answer.content.decode())


def opened(browser: Client, words: str) -> str:
    """Where the same words lead without script."""
    return browser.get("/search/", {"q": words})["Location"]


@pytest.mark.parametrize("words", ["meter-9", " METER\u20119 ", "crm-77"])
def test_a_whole_alias_or_external_id_opens_its_customer_whoever_else_it_begins(
    finance: Client, words: str
) -> None:
    add_customer("Aardvark", aliases=["meter-90", "crm-771"])
    meant = add_customer("Zebra", aliases=["a", "b", "c", "Meter-9"])
    Customer.objects.filter(pk=meant.pk).update(external_id="CRM-77")

    assert opened(finance, words) == f"/customers/{meant.pk}/"
    assert hits(finance, words)[0] == f"/customers/{meant.pk}/"
    assert len(hits(finance, words)) == 3


def test_the_palette_and_the_list_show_the_alias_that_was_meant(finance: Client) -> None:
    add_customer("Zebra", aliases=["a", "b", "c", "METER-9"])

    assert "METER-9" in finance.get("/customers/?q=meter").content.decode()
    found = finance.get("/search/?q=meter", headers={"HX-Request": "true"}).content.decode()
    assert 'alias <span class="key">METER-9</span>' in found


def test_an_alias_that_two_hold_opens_neither(finance: Client) -> None:
    one, other = add_customer("One", aliases=["Shared"]), add_customer("Other", aliases=["shared"])

    assert opened(finance, "shared") == "/customers/?q=shared&status=all"
    assert sorted(hits(finance, "shared")[:2]) == sorted(f"/customers/{each.pk}/" for each in (one, other))


def test_digits_mean_the_same_in_the_palette_and_without_script(
    finance: Client, renaming: ChangeRequest
) -> None:
    digits = renaming.reference.removeprefix("CR-").lstrip("0")
    address = f"/changes/{renaming.reference}/"

    assert opened(finance, digits) == hits(finance, digits)[0] == address

    meant = add_customer("By alias", aliases=[digits])
    assert opened(finance, digits) == hits(finance, digits)[0] == f"/customers/{meant.pk}/"
    assert hits(finance, digits)[-1] == address
    assert opened(finance, renaming.reference) == hits(finance, renaming.reference)[0] == address


def test_nothing_is_proposed_for_an_archived_customer(finance: Client, refreshed: RefreshRun) -> None:
    gone = add_customer("Gone", archived_at=now())

    for kind in (
        "customer.rename",
        "customer.realias",
        "customer.archive",
        "contract.end",
        "contract.rename",
    ):
        answer = finance.get(f"/changes/new/{kind}/?customer={gone.pk}", follow=True)
        assert answer.redirect_chain == [(f"/customers/{gone.pk}/", 302)]
        assert "archived, so nothing can be proposed for it" in answer.content.decode()


@pytest.mark.parametrize(("environment", "number"), [("simulator", 0), ("sandbox", 1), ("production", 1)])
def test_only_a_real_customer_has_a_page_in_metronomes_own_app(
    finance: Client, halcyon: Customer, settings: Any, environment: str, number: int
) -> None:
    settings.METRONOME = replace(settings.METRONOME, environment=environment)

    page = finance.get(f"/customers/{halcyon.pk}/").content.decode()

    assert page.count(f'href="https://app.metronome.com/customers/{halcyon.pk}" rel="noreferrer"') == number


def test_the_alias_that_the_search_begins_comes_first_and_is_marked(
    finance: Client, refreshed: RefreshRun
) -> None:
    add_customer("Halcyon", aliases=["a1", "b2", "c3", "d4", "Zebra-eu <1>"])

    found = finance.get("/customers/?q=zEBRA").content.decode()
    plain = finance.get("/customers/").content.decode()

    assert '<mark class="found"><span class="key">Zebra-eu &lt;1&gt;</span></mark> <span' in found
    assert found.count('class="found"') == 1
    assert '<span class="quiet nowrap">+2</span>' in found
    assert 'class="found"' not in plain
    assert 'data-label="Ingest aliases"' in plain


def test_an_archived_customer_says_since_when(finance: Client, refreshed: RefreshRun) -> None:
    archived = now() - timedelta(days=3)
    add_customer("Halcyon", archived_at=archived)

    page = finance.get("/customers/?status=archived").content.decode()

    assert f'Archived</span> <span class="quiet"><time datetime="{archived:%Y-%m-%d}">' in page
    assert "<b>Status</b> <bdi>Archived</bdi>" in page
    assert '<option value="archived" selected>Archived</option>' in page
