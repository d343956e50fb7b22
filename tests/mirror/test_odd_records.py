"""One odd record is named, counted and kept as it was; the rest of the account is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from billing.metronome.account import Gateway
from billing.metronome.listing import Listing, UnreadPage
from billing.metronome.objects.customer import customers, customers_by_id, read_customer
from billing.metronome.outcomes import Evidence, ReadFailed
from billing.metronome.transport import RawAnswer
from billing.mirror import ages, sweep
from billing.mirror.connection import open_gateway
from billing.mirror.refresh import refresh_account, refresh_customer
from billing.mirror.resources.custom_field_key import CustomFieldKey, customer_field_keys
from billing.mirror.resources.customer import queries
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan
from billing.users import User
from tests.simulator_server import RunningSimulator

Bend = Callable[[str, dict[str, Any], dict[str, Any]], None]
"""Changes one answer in place: (path, query, whole body)."""

LONG = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(4_000))
"""More than an index holds, and nothing that compression makes small."""


class BendingGateway(Gateway):
    """Bends what Metronome answered before it is judged."""

    bend: Bend | None = None

    def _exchange(self, method: str, path: str, body: Any, query: Any, *more: Any, **how: Any) -> Any:
        answer = super()._exchange(method, path, body, query, *more, **how)
        if isinstance(answer, RawAnswer) and self.bend and answer.status == 200:
            whole = json.loads(answer.body)
            self.bend(path, query or {}, whole)
            return replace(answer, body=json.dumps(whole).encode())
        return answer


@pytest.fixture
def bending(house: None) -> Iterator[BendingGateway]:
    with open_gateway() as opened, BendingGateway(opened.config) as gateway:
        yield gateway


def row_of(record_id: str, **facts: Any) -> Bend:
    """Every row that is this record says this instead."""

    def bend(path: str, query: dict[str, Any], whole: dict[str, Any]) -> None:
        rows = whole["data"] if isinstance(whole["data"], list) else [whole["data"]]
        for row in rows:
            for each in (row, row.get("customer_details", {}), row.get("plan_details", {})):
                if record_id in (each.get("id"), each.get("customer_plan_id")):
                    each.update(facts)

    return bend


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"custom_fields": {"tier": 3}}, "custom_fields is not a map of texts"),
        ({"custom_fields": []}, "custom_fields is not a map of texts"),
        ({"ingest_aliases": None}, "ingest_aliases is not a list of texts"),
        ({"ingest_aliases": ["fine", None]}, "ingest_aliases is not a list of texts"),
        ({"name": None}, "name is not text"),
        ({"external_id": 7}, "external_id is not text"),
        ({"created_at": "10000-01-01T00:00:00Z"}, ""),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at is out of range"),
        ({"created_at": "9999-12-31T23:59:59-14:00"}, "created_at is out of range"),
        ({"updated_at": "2026-11-28T10:00:00"}, "updated_at has no time zone"),
        ({"archived_at": 1_700_000_000}, "archived_at is not text"),
        ({"ingest_aliases": [LONG]}, "it can’t be stored: index row"),
    ],
)
def test_an_odd_customer_is_named_and_kept_while_the_others_are_read(
    bending: BendingGateway, simulator: RunningSimulator, facts: dict[str, Any], why: str
) -> None:
    first = refresh_account(bending)
    odd, other = [each.id for each in bending.page(customers(archived=False)).items[:2]]
    before = queries.snapshot(odd)
    simulator.change("rename", odd, name="Not to be seen")
    simulator.change("rename", other, name="Larkspur Shipping")
    bending.bend = row_of(odd, **facts)

    run = refresh_account(bending, pauses=())

    assert run.status == "succeeded", run.error
    assert [(each["kind"], each["id"]) for each in run.odd] == [("customer", odd)]
    assert run.odd[0]["why"].startswith(why)
    assert queries.snapshot(odd) == before
    assert queries.snapshot(other)["name"] == "Larkspur Shipping"
    assert run.marked_missing == 0
    account = ages.freshness()
    assert account.as_of == run.started_at
    assert ages.as_of(queries.customer(other), account) >= run.started_at
    assert ages.as_of(queries.customer(odd), account) < first.finished_at


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "Nul\x00 and \ud800 half"},
        {"custom_fields": {"k\x00": "v\udfff"}},
        {"ingest_aliases": ["a\x00", "a\ufffd"]},
    ],
)
def test_text_that_can_not_be_stored_is_replaced_and_not_odd(
    bending: BendingGateway, simulator: RunningSimulator, facts: dict[str, Any]
) -> None:
    refresh_account(bending)
    wanted = bending.page(customers(archived=False)).items[0].id
    bending.bend = row_of(wanted, **facts)

    run = refresh_account(bending, pauses=())

    assert (run.status, run.odd) == ("succeeded", [])
    assert "can’t be stored" in run.error
    assert "\ufffd" in json.dumps(queries.snapshot(wanted), ensure_ascii=False)


@pytest.mark.parametrize("fact", ["name", "external_id"])
def test_a_text_longer_than_an_index_holds_is_kept_whole_and_found_by_its_beginning(
    bending: BendingGateway, simulator: RunningSimulator, fact: str
) -> None:
    refresh_account(bending)
    wanted = bending.page(customers(archived=False)).items[0].id
    bending.bend = row_of(wanted, **{fact: LONG})

    run = refresh_account(bending, pauses=())

    assert (run.status, run.odd, run.error) == ("succeeded", [], "")
    assert getattr(queries.customer(wanted), fact) == LONG
    assert [str(row.id) for row in queries.customers(CustomerFilter(q=LONG[:200])).rows] == [wanted]


@pytest.mark.parametrize("nameless", [None, 7, "not-an-id"])
def test_a_row_without_an_id_lets_nobody_be_missing(
    bending: BendingGateway, simulator: RunningSimulator, nameless: Any
) -> None:
    refresh_account(bending)
    wanted = bending.page(customers(archived=False)).items[0].id
    bending.bend = row_of(wanted, id=nameless)

    run = refresh_account(bending, pauses=())

    assert run.status == "succeeded", run.error
    assert {each["kind"] for each in run.odd} >= {"customer"}
    assert run.marked_missing == 0
    assert not Customer.objects.exclude(missing_since=None).exists()


@pytest.mark.parametrize("facts", [{"name": None}, {"description": 3}, {"custom_fields": "x"}])
def test_an_odd_plan_keeps_its_name_and_its_customers_are_read(
    bending: BendingGateway, simulator: RunningSimulator, facts: dict[str, Any]
) -> None:
    refresh_account(bending)
    odd = Plan.objects.filter(customer_plans__isnull=False).order_by("pk").first()
    before = Plan.objects.filter(pk=odd.pk).values().get()
    CustomerPlan.objects.filter(plan=odd).update(starting_on="2001-01-01T00:00:00Z")

    def bend(path: str, query: dict[str, Any], whole: dict[str, Any]) -> None:
        if path == "/v1/plans":
            row_of(str(odd.pk), **facts)(path, query, whole)

    bending.bend = bend

    run = refresh_account(bending, pauses=())

    assert run.status == "succeeded", run.error
    assert [(each["kind"], each["id"]) for each in run.odd] == [("plan", str(odd.pk))]
    assert Plan.objects.filter(pk=odd.pk).values().get() == before
    assert not CustomerPlan.objects.filter(plan=odd, starting_on__year=2001).exists()
    assert run.marked_missing == 0


@pytest.mark.parametrize("starting_on", [None, "10000-01-01T00:00:00Z", 5, "0001-01-01T00:00:00+14:00"])
def test_an_odd_subscription_is_kept_by_both_ways_of_reading_it(
    bending: BendingGateway, simulator: RunningSimulator, starting_on: Any
) -> None:
    refresh_account(bending)
    odd = CustomerPlan.objects.filter(customer__archived_at=None).order_by("pk").first()
    before = CustomerPlan.objects.filter(pk=odd.pk).values().get()
    bending.bend = row_of(str(odd.pk), starting_on=starting_on)

    whole = refresh_account(bending, pauses=())
    one = refresh_customer(bending, odd.customer_id)

    for run in (whole, one):
        assert run.status == "succeeded", run.error
        assert [(each["kind"], each["id"]) for each in run.odd] == [("subscription", str(odd.pk))]
        assert run.marked_missing == 0
    assert CustomerPlan.objects.filter(pk=odd.pk).values().get() == before


def test_an_odd_custom_field_key_is_kept(bending: BendingGateway, simulator: RunningSimulator) -> None:
    def bend(path: str, query: dict[str, Any], whole: dict[str, Any]) -> None:
        if path == "/v1/customFields/listKeys":
            odd = {"entity": "customer", "key": "odd", "enforce_uniqueness": "no"}
            sound = {"entity": "customer", "key": "sound", "enforce_uniqueness": True}
            whole["data"] = [odd, sound, {"entity": "customer", "key": LONG, "enforce_uniqueness": False}, 7]

    bending.bend = bend
    CustomFieldKey.objects.create(entity="customer", key="odd", fetched_at="2020-01-01T00:00:00Z")

    run = refresh_account(bending, pauses=())

    assert run.status == "succeeded", run.error
    assert [each["kind"] for each in run.odd] == ["custom field key"] * 3
    assert customer_field_keys() == ["odd", "sound"]


def test_an_account_of_odd_records_is_doubted(bending: BendingGateway, simulator: RunningSimulator) -> None:
    refresh_account(bending)

    def bend(path: str, query: dict[str, Any], whole: dict[str, Any]) -> None:
        for row in whole["data"]:
            row["custom_fields"] = 1
            row.get("plan_details", {})["starting_on"] = None

    bending.bend = bend

    run = refresh_account(bending, pauses=())

    assert run.status == "failed"
    assert "The answers are doubted" in run.error
    assert run.marked_missing == 0


def test_who_must_not_overlook_a_row_is_told_which_is_odd(
    bending: BendingGateway, simulator: RunningSimulator
) -> None:
    wanted = bending.page(customers(archived=False)).items[0].id
    bending.bend = row_of(wanted, ingest_aliases=None)

    with pytest.raises(ReadFailed, match=wanted):
        bending.page(customers(archived=False)).whole()
    with pytest.raises(ReadFailed, match=wanted):
        customers_by_id(bending, [wanted], archived=False)
    with pytest.raises(ReadFailed, match=wanted):
        read_customer(bending, wanted)


def evidence(status: int) -> Evidence:
    now = datetime.now(UTC)
    return Evidence(status=status, body="", headers={}, error="", started_at=now, finished_at=now)


def test_an_archived_customer_without_its_date_is_never_shown_as_active(
    bending: BendingGateway, simulator: RunningSimulator
) -> None:
    def bend(path: str, query: dict[str, Any], whole: dict[str, Any]) -> None:
        if query.get("only_archived"):
            for row in whole["data"]:
                row["archived_at"] = None

    bending.bend = bend
    first = refresh_account(bending)
    archived = {each.id for each in bending.page(customers(archived=True)).items}

    second = refresh_account(bending)

    assert archived
    assert not Customer.objects.filter(pk__in=archived, archived_at=None).exists()
    assert second.rows_written == 0
    assert first.marked_missing == second.marked_missing == 0


def test_a_list_whose_cursor_expired_is_read_again_from_its_start(
    bending: BendingGateway, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[str | None] = []

    def page(listing: Listing[Any], cursor: str | None = None) -> UnreadPage[Any]:
        if listing.path != "/v1/customers":
            return Gateway.unread(bending, listing, cursor)
        found = Gateway.unread(bending, replace(listing, query={**listing.query, "limit": 10}), cursor)
        if "only_archived" not in listing.query:
            pages.append(cursor)
            if len(pages) == 2:
                raise ReadFailed("Metronome answered 400: cursor expired", evidence(400))
        return found

    monkeypatch.setattr(bending, "unread", page)

    run = refresh_account(bending, pauses=())

    assert run.status == "succeeded", run.error
    assert pages[2] is None
    assert Customer.objects.count() == 30


def test_empty_pages_with_ever_new_cursors_end(
    bending: BendingGateway, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []

    def page(listing: Listing[Any], cursor: str | None = None) -> UnreadPage[Any]:
        asked.append(cursor)
        return UnreadPage(listing, (), (), f"c{len(asked)}")

    monkeypatch.setattr(bending, "unread", page)

    run = refresh_account(bending, pauses=())

    assert run.status == "failed"
    assert "doesn’t end" in run.error
    assert len(asked) == sweep.MOST_EMPTY_PAGES + 1


def test_system_names_the_odd_records(
    bending: BendingGateway, simulator: RunningSimulator, administrator: User, client: Client
) -> None:
    refresh_account(bending)
    odd = bending.page(customers(archived=False)).items[0].id
    bending.bend = row_of(odd, name=None)
    refresh_account(bending)
    client.force_login(administrator)

    page = client.get("/system/").content.decode()

    assert odd in page
    assert "name is not text" in page
    assert "1 record could not be read, kept as before" in page
