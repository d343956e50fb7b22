"""Every documented maximum through its whole life, under the defaults of .env.example: `make faults`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from adminsite.metronome import MetronomeSettings
from billing.changes import sealed
from billing.changes.applying import apply, preflight, sweeping
from billing.changes.asking import survey
from billing.changes.asking.kinds.customer import free_aliases
from billing.changes.models import ChangeRequest, Verdict
from billing.metronome.account import Gateway
from billing.metronome.text import utf16_units
from billing.mirror.connection import open_gateway
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.customer import likeness
from billing.mirror.resources.customer import queries as mirror
from billing.users import User
from tests.changes.test_decide import events
from tests.simulator_server import TOKEN, RunningSimulator
from tests.world import approve, propose

MOST_ALIASES, LONGEST_ALIAS, LONGEST_NAME, LONGEST_REASON = 2_000, 128, 160, 2_000
SCRIPTS = {"latin": "x", "han": "漢", "arabic": "ع", "devanagari": "क", "emoji": "🏭"}
APPLIED_ONCE = ["change.submitted", "change.approved", "call.sent", "call.applied", "change.applied"]
APPLIED_ONCE_BY_TWO = [APPLIED_ONCE[0], "change.approved", *APPLIED_ONCE[1:]]

pytestmark = pytest.mark.maxima


@pytest.fixture
def shipped(house: None, settings: Any, simulator: RunningSimulator) -> None:
    """The patience and the budget that .env.example ships."""
    settings.METRONOME = MetronomeSettings("simulator", simulator.url, TOKEN, 5.0)
    settings.WRITE_DEADLINE_SECONDS = 30
    settings.LEASE_SECONDS = 120
    settings.LEASE_MARGIN_SECONDS = 15
    settings.SETTLE_SECONDS = 180
    settings.SECOND_LOOK_SECONDS = 30


def signed_in(person: User) -> Client:
    browser = Client()
    browser.force_login(person)
    return browser


def propose_on_the_form(
    kind: str, maker: User, entered: dict[str, str], *, customer: str = ""
) -> ChangeRequest:
    """Send one form as a browser does, each line end as two characters."""
    address = f"/changes/new/{kind}/" + (f"?customer={customer}" if customer else "")
    body = urlencode({name: text.replace("\n", "\r\n") for name, text in entered.items()})
    sent = signed_in(maker).post(address, body, content_type="application/x-www-form-urlencoded")
    assert sent.status_code == 302, sent.text[:2_000]
    return ChangeRequest.objects.latest("pk")


def carry_through(change: ChangeRequest, gateway: Gateway, checkers: list[User], *, reason: str) -> None:
    """Check it, have each manager look and approve, sweep, and read it again."""
    preflight.check_change(change.pk, gateway)
    for checker in checkers:
        browser = signed_in(checker)
        assert browser.get(f"/changes/{change.reference}/").status_code == 200
        given = {"verdict": Verdict.APPROVE, "digest": change.digest, "reason": reason}
        given["typed"] = sealed.read(change.sealed).subject_text
        decided = browser.post(f"/changes/{change.reference}/decide/", given)
        assert decided.status_code == 302, decided.text[:2_000]
    sweeping.apply_due(gateway)
    change.refresh_from_db()
    assert signed_in(checkers[0]).get(f"/changes/{change.reference}/").status_code == 200


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_most_and_longest_aliases_names_and_reasons_go_through_a_whole_life(
    script: str,
    shipped: None,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    letter, managers = SCRIPTS[script], [checker, checker2]
    aliases = [f"{position:04}{letter * (LONGEST_ALIAS - 4)}" for position in range(MOST_ALIASES)]
    others = [
        f"{position:04}{letter * (LONGEST_ALIAS - 4)}" for position in range(MOST_ALIASES, 2 * MOST_ALIASES)
    ]
    name = letter * (LONGEST_NAME // utf16_units(letter))
    other_name = f"{'y' * utf16_units(letter)}{name[1:]}"
    reason = letter * LONGEST_REASON
    with open_gateway() as gateway:
        refresh_account(gateway)
        made = propose_on_the_form(
            "customer.create", maker, {"name": name, "ingest_aliases": "\n".join(aliases), "reason": reason}
        )
        carry_through(made, gateway, [checker], reason=reason)
        assert (made.status, events(made)) == ("applied", APPLIED_ONCE), made.explanation
        (customer,) = likeness.customers_named(name)
        assert mirror.snapshot(customer.id)["ingest_aliases"] == aliases
        subject = str(customer.id)

        replaced = propose_on_the_form(
            "customer.realias",
            maker,
            {"ingest_aliases": "\n".join(others), "reason": reason},
            customer=subject,
        )
        carry_through(replaced, gateway, managers, reason=reason)
        assert (replaced.status, events(replaced)) == ("applied", APPLIED_ONCE_BY_TWO), replaced.explanation

        renamed = propose_on_the_form(
            "customer.rename", maker, {"name": other_name, "reason": reason}, customer=subject
        )
        carry_through(renamed, gateway, [checker], reason=reason)
        assert (renamed.status, events(renamed)) == ("applied", APPLIED_ONCE), renamed.explanation
        assert mirror.snapshot(subject) | {"id": ""} == {
            "id": "",
            "name": other_name,
            "ingest_aliases": others,
            "archived_at": None,
            "custom_fields": {},
        }

        survey.answer(survey.ask(subject, asked_by=maker).uuid, gateway)
        archived = propose_on_the_form(
            "customer.archive",
            maker,
            {"clear_aliases": "yes", "typed_name": other_name, "reason": reason},
            customer=subject,
        )
        carry_through(archived, gateway, managers, reason=reason)

    assert archived.status == "applied", archived.explanation
    assert [effect["route"] for effect in simulator.ledger()] == [
        "POST /v1/customers",
        "POST /v1/customers/{customer_id}/setIngestAliases",
        "POST /v1/customers/{customer_id}/setName",
        "POST /v1/customers/{customer_id}/setIngestAliases",
        "POST /v1/customers/archive",
    ]
    gone = mirror.snapshot(subject)
    assert gone["archived_at"] is not None
    assert gone["ingest_aliases"] == []
    for page in ("", "?tab=changes"):
        assert signed_in(maker).get(f"/customers/{subject}/{page}").status_code == 200


def test_reads_that_outlive_the_lease_at_the_shipped_budget_end_in_one_effect(
    shipped: None,
    snapshot: dict[str, Any],
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(free_aliases, "SPARE_PAGES", 10_000)  # so large that each alias is asked for
    aliases = [*snapshot["ingest_aliases"], *(f"meter-{position:04}" for position in range(340))]
    change = approve(
        propose("customer.realias", maker, {"ingest_aliases": aliases}, snapshot=snapshot), checker
    )
    ask, returned = free_aliases.customers_holding_alias, []

    def asked_beside_a_sweep(gateway: Gateway, alias: str) -> Any:
        returned.append(sweeping.recover_lost_claims())
        return ask(gateway, alias)

    monkeypatch.setattr(free_aliases, "customers_holding_alias", asked_beside_a_sweep)

    with open_gateway() as gateway:
        apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, events(change)) == ("applied", APPLIED_ONCE), change.explanation
    assert returned == [0] * 340
    assert len(simulator.ledger()) == 1
