"""The record's page and its CSV."""

from __future__ import annotations

import csv
import io
from html import escape
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client

from billing.audit import log
from billing.audit.actors import Actor, person
from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes.agreeing.deciding import withdraw
from billing.changes.models import ChangeRequest
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.pages.conftest import NAMES, add_customer, now, recorded, squeezed


def events_in(answer) -> list[str]:
    rows = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    return [row["event"] for row in rows]


def test_the_page_and_its_csv_hold_what_the_filter_lets_through(
    manager: Client, renaming: ChangeRequest, halcyon: Customer
) -> None:
    manager.post("/system/refresh/")
    expected = {
        f"?reference={renaming.reference}": ["change.submitted"],
        f"?customer={halcyon.pk}": ["change.submitted"],
        "?actor=manager&event=mirror.refresh_requested": ["mirror.refresh_requested"],
        "?q=Halcyon": ["change.submitted"],
        "?until=2020-01-01": [],
    }

    for query, events in expected.items():
        assert [event.event_type for event in manager.get(f"/audit/{query}").context["page"].rows] == events
        assert events_in(manager.get(f"/audit/export.csv{query}")) == events


def test_an_export_is_an_event_with_its_filter(manager: Client, renaming: ChangeRequest) -> None:
    answer = manager.get("/audit/export.csv?event=change.submitted")
    answer.getvalue()

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="audit-event-change-submitted-20')
    event = AuditEvent.objects.get(event_type=Event.AUDIT_EXPORTED)
    assert (event.actor_text, event.new) == ("Ingrid Solberg", {"filter": {"event": "change.submitted"}})


@pytest.mark.parametrize(
    "typed", ["Halcyon Freight GmbH", "halcyon fr", "halcyon-eu", "HALCYON-EU", "account-1", "{id}"]
)
def test_events_are_found_by_the_customer_however_it_is_called(
    manager: Client, renaming: ChangeRequest, halcyon: Customer, typed: str
) -> None:
    manager.post("/system/refresh/")
    query = {"customer": typed.format(id=halcyon.pk)}

    answer = manager.get("/audit/", query)

    assert [event.event_type for event in answer.context["page"].rows] == ["change.submitted"]
    assert "<b>Customer</b> <bdi>Halcyon Freight GmbH</bdi>" in answer.content.decode()
    assert events_in(manager.get("/audit/export.csv", query)) == ["change.submitted"]


def test_events_of_a_customer_that_is_missing_or_was_never_mirrored_are_found(
    manager: Client, renaming: ChangeRequest, halcyon: Customer
) -> None:
    Customer.objects.filter(pk=halcyon.pk).update(missing_since=now())

    gone = manager.get("/audit/?customer=Halcyon")
    unknown = manager.get(f"/audit/?customer={UUID(int=77)}")

    assert [event.event_type for event in gone.context["page"].rows] == ["change.submitted"]
    assert unknown.status_code == 200
    assert unknown.context["page"].rows == []


def test_a_customer_that_nobody_or_several_are_called_is_said_and_what_was_typed_stays(
    manager: Client, halcyon: Customer
) -> None:
    add_customer("Halcyon Freight Ltd")

    several = manager.get("/audit/?customer=halcyon+freight")
    nobody = manager.get("/audit/?customer=larkspur")

    assert (several.status_code, nobody.status_code) == (400, 400)
    assert several.context["problem"] == (
        "More than one customer is meant by “halcyon freight”; give its id or one alias."
    )
    assert nobody.context["problem"] == (
        "No customer here is meant by “larkspur”; the record also takes any id."
    )
    assert 'name="customer" value="larkspur"' in nobody.content.decode()


def test_of_several_customers_of_one_name_one_can_be_chosen_and_no_event_is_shown_before(
    manager: Client, renaming: ChangeRequest, halcyon: Customer
) -> None:
    other = add_customer("Halcyon Freight GmbH", aliases=["hf-west"])
    query = {"customer": "Halcyon Freight GmbH", "event": "change.submitted", "cursor": "x"}

    answer = manager.get("/audit/", query)
    page = squeezed(answer.content.decode())

    assert [(each.id, each.alias) for each in answer.context["refused"].some] == [
        (halcyon.pk, "halcyon-eu"), (other.pk, "hf-west"),
    ]  # fmt: skip
    for customer in (halcyon, other):
        address = f"?customer={customer.pk}&event=change.submitted"
        assert f'<a href="{escape(address)}"><bdi>Halcyon Freight GmbH</bdi></a>' in page
        assert str(customer.pk) in page
        assert manager.get(f"/audit/{address}").status_code == 200
    assert "hf-west" in page
    assert 'class="event"' not in page
    assert "No events are shown." in page


def test_of_very_many_namesakes_ten_are_offered_and_it_is_said(manager: Client) -> None:
    for _each in range(12):
        add_customer("Larkspur")

    page = manager.get("/audit/?customer=Larkspur").content.decode()

    assert page.count("<bdi>Larkspur</bdi></a>") == 10
    assert "And more; type more of the name" in page


def test_namesakes_that_only_the_record_knows_can_be_chosen_too(manager: Client) -> None:
    with transaction.atomic():
        for number in (71, 72):
            log.record(
                Event.CHANGE_SUBMITTED,
                actor=Actor(None, "worker", ""),
                subject=log.Subject("change", "1", "x", customer_id=UUID(int=number), customer_name="Gone"),
            )

    page = manager.get("/audit/?customer=gone").content.decode()

    assert page.count("<bdi>gone</bdi></a>") == 2


def test_a_request_that_goes_on_beyond_the_page_says_so(
    manager: Client, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    with transaction.atomic():
        for number in range(49):
            log.record(
                Event.PERSON_SIGNED_IN,
                actor=person(people["manager"]),
                subject=log.Subject("person", str(number), "Ingrid"),
            )
    withdraw(renaming.pk, actor=person(people["finance"]), reason="Not now.")

    first = manager.get("/audit/")
    cut = squeezed(first.content.decode())
    rest = squeezed(manager.get("/audit/", {"cursor": first.context["page"].older}).content.decode())
    narrow = manager.get("/audit/?event=change.withdrawn").content.decode()
    apart = manager.get("/audit/?group=none").content.decode()

    assert "more on the next page</li></ol></li>" in cut
    assert cut.index("Withdrawn") < cut.index("more on the next page")
    assert "Proposed <" not in cut
    assert "Proposed <" in rest
    for page in (rest, narrow, apart):
        assert "more on the next page" not in page


def test_newest_events_are_told_in_sentences_that_lead_to_what_they_are_about(
    manager: Client, renaming: ChangeRequest, halcyon: Customer
) -> None:
    manager.post(f"/customers/{halcyon.pk}/refresh/")
    page = manager.get("/").content.decode()

    assert (
        f'<bdi>Priya Raman</bdi> proposed <a href="/changes/{renaming.reference}/">'
        f"<bdi>{renaming.reference}</bdi></a>." in page
    )
    assert (
        "<bdi>Ingrid Solberg</bdi> asked for a refresh: "
        f'<a href="/customers/{halcyon.pk}/"><bdi>Halcyon Freight GmbH</bdi></a>.' in page
    )
    assert "<bdi>Ingrid Solberg</bdi> signed in." in page


def test_a_row_shows_who_from_where_and_why(manager: Client, renaming: ChangeRequest) -> None:
    page = manager.get(f"/audit/?reference={renaming.reference}").content.decode()

    assert 'class="status" data-tone="good"' in page
    assert "</span>Proposed <" in page
    assert "<code>change.submitted</code>, as Finance" in page
    assert "<bdi>Priya Raman</bdi>" in page
    assert "“As agreed with the customer.”" in page
    assert "".join(f"<span>{renaming.digest[at : at + 8]}</span>" for at in range(0, 64, 8)) in page
    assert f'<a class="nowrap" href="/changes/{renaming.reference}/">{renaming.reference}</a>' in page
    assert f'<a href="/customers/{renaming.customer_id}/"><bdi>Halcyon Freight GmbH</bdi></a>' in page


def test_the_events_of_a_request_stand_under_its_sentence_unless_one_asks_for_them_apart(
    manager: Client, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    manager.post("/system/refresh/")
    withdraw(renaming.pk, actor=person(people["finance"]), reason="Not now.")

    grouped = squeezed(manager.get("/audit/").content.decode())
    apart = squeezed(manager.get("/audit/?group=none").content.decode())

    group = grouped[grouped.index('<li class="group">') :]
    assert f"<bdi>{escape(renaming.sentence)}</bdi></h3>" in group
    assert f'<a href="?reference={renaming.reference}">All' in group
    assert group.index("Withdrawn") < group.index("Proposed") < group.index("</ol></li>")
    assert "mirror.refresh_requested" not in group[: group.index("</ol></li>")]
    assert 'class="group"' not in apart
    assert apart.index("Withdrawn") < apart.index("Refresh asked for") < apart.index("Proposed")
    assert apart.count(f">{renaming.reference}</a> <a href=") == 2


def test_a_preset_is_a_filter_beside_the_others_and_takes_itself_away(
    manager: Client, renaming: ChangeRequest
) -> None:
    answer = manager.get("/audit/?actor=finance&cursor=&event=decisions")
    page = squeezed(answer.content.decode())

    assert answer.context["page"].rows == []
    assert '<a class="chip" href="/audit/?actor=finance" aria-current="true">Decisions</a>' in page
    assert '<a class="chip" href="/audit/?actor=finance&amp;event=sends">Sends</a>' in page
    assert "<b>What</b>" not in page
    assert '<option value="decisions" selected>Decisions</option>' in page
    today = now().date().isoformat()
    [chosen] = [each for each in answer.context["periods"] if each.words == "Today"]
    assert chosen.url == f"/audit/?actor=finance&event=decisions&since={today}&until={today}"
    manager.get("/audit/export.csv?event=decisions").getvalue()
    assert AuditEvent.objects.latest("pk").new["rows"] == 0


def test_events_are_found_by_the_name_that_a_customer_had_then(
    manager: Client, renaming: ChangeRequest, halcyon: Customer
) -> None:
    Customer.objects.filter(pk=halcyon.pk).update(name="Larkspur GmbH")

    for typed in ("Halcyon Freight GmbH", "halcyon fr", "larkspur"):
        answer = manager.get("/audit/", {"customer": typed})
        assert [event.event_type for event in answer.context["page"].rows] == ["change.submitted"], typed


def test_the_machine_can_be_chosen_beside_the_people(manager: Client, renaming: ChangeRequest) -> None:
    [who] = [each for each in manager.get("/audit/").context["fields"] if each.field.name == "actor"]

    assert [name for _, name in who.choices] == [*sorted(NAMES.values()), "set-up"]
    assert [row.actor_text for row in manager.get("/audit/?actor=set-up").context["page"].rows] == ["set-up"]


def test_what_came_from_outside_is_escaped_in_every_part_of_a_line(
    manager: Client, people: dict[str, User]
) -> None:
    hostile = "<script>&\"'"
    with transaction.atomic():
        for reference in ("", "<i>", "<i>"):
            log.record(
                Event.CALL_REFUSED,
                actor=Actor(None, hostile, hostile[:20], None, hostile, hostile),
                subject=log.Subject("c", hostile, hostile, UUID(int=7), hostile, reference, hostile),
                old={hostile: hostile},
                new={"call": hostile, "message": hostile},
                reason="" if reference else hostile,
            )

    page = manager.get("/audit/?group=").content.decode()

    assert "<script>&" not in page
    assert "<i>" not in page
    assert page.count(f"Call {escape(hostile)} refused") == 3


@pytest.mark.parametrize(
    "query",
    ["event=bogus", "customer=bogus", "since=yesterday", "since=2026-02-01&until=2026-01-01", "q=%00"],
)
def test_a_filter_that_makes_no_sense_is_said_and_refused(manager: Client, query: str) -> None:
    answer = manager.get(f"/audit/?{query}")

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert manager.get(f"/audit/export.csv?{query}").status_code == 400
    assert recorded() == []


def test_filtered_to_nothing_offers_a_clear_record(manager: Client) -> None:
    page = manager.get("/audit/?reference=CR-000999").content.decode()

    assert "No event is left by these filters" in page
    assert '<a class="button" href="/audit/">Clear filters</a>' in page
