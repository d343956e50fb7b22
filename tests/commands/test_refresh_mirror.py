"""Refreshing by hand: what it says, to a terminal and to a log, and how it ends when it breaks off."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from billing.audit.models import AuditEvent
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers
from billing.mirror.models import RefreshRun
from billing.mirror.resources.customer import queries
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.simulator_server import RunningSimulator


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def refresh(*words: str, to: io.StringIO | None = None) -> str:
    said = to or io.StringIO()
    call_command("refresh_mirror", *words, stdout=said, no_color=True)
    return said.getvalue()


@pytest.mark.usefixtures("house")
def test_a_refresh_says_what_it_did_line_by_line() -> None:
    said = refresh().splitlines()

    run = RefreshRun.objects.get()
    assert Customer.objects.count() == 30
    assert said[0].startswith("active customers: ")
    assert said[-1] == (
        f"The mirror is up to date: {run.rows_read} rows read, {run.rows_written} written, "
        f"0 marked missing, with {run.requests_spent} requests."
    )
    assert "\r" not in "".join(said)


@pytest.mark.usefixtures("house")
def test_a_terminal_gets_one_line_that_redraws_itself() -> None:
    refresh()

    said = refresh(to=Terminal())

    drawn, end = said.rsplit("\n", 2)[0], said.splitlines()[-1]
    assert drawn.startswith("\r\x1b[K[")
    assert "\n" not in drawn
    assert "0 written, 0 marked missing" in end


@pytest.mark.usefixtures("house")
def test_one_customer_is_refreshed_alone(gateway: Gateway, simulator: RunningSimulator) -> None:
    wanted = gateway.page(customers(archived=False)).items[4]

    refresh("--customer", wanted.id)

    assert [str(pk) for pk in Customer.objects.values_list("pk", flat=True)] == [wanted.id]
    assert queries.snapshot(wanted.id) == wanted.as_snapshot()


@pytest.mark.usefixtures("house")
def test_whoever_refreshes_by_command_is_told_so_in_runs_and_record(
    gateway: Gateway, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ops-mira")
    wanted = gateway.page(customers(archived=False)).items[4]

    refresh()
    refresh("--customer", wanted.id)

    said = "by command (ops-mira)"
    assert [run.asked_as for run in RefreshRun.objects.order_by("pk")] == [said, said]
    events = AuditEvent.objects.filter(event_type="mirror.refresh_requested").order_by("pk")
    assert [(event.actor_text, event.actor, event.subject_id) for event in events] == [
        (said, None, "account"),
        (said, None, wanted.id),
    ]
    browser = Client()
    browser.force_login(administrator)
    page = browser.get("/system/").content.decode()
    assert page.count(f"<bdi>{said}</bdi>") >= 2
    assert "the schedule</span>" not in page


@pytest.mark.usefixtures("house")
def test_a_refresh_that_breaks_off_ends_with_its_sentence(simulator: RunningSimulator) -> None:
    simulator.fault("GET /v1/plans", "status_before", status=400, message="No plans today", count=None)

    with pytest.raises(CommandError, match="It broke off at plans") as refusal:
        refresh()

    assert "No plans today" in str(refusal.value)
    assert RefreshRun.objects.get().status == "failed"


@pytest.mark.usefixtures("house")
def test_what_is_no_id_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(CommandError, match="is not a customer’s id"):
        refresh("--customer", "halcyon")

    assert not RefreshRun.objects.exists()
