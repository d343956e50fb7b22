"""Input that nobody should be able to send, or to overlook, in a proposal's form."""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.audit.models import AuditEvent
from billing.changes import refusals, sealed, typed
from billing.changes.agreeing import deciding
from billing.changes.models import ChangeRequest
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.pages.templatetags.countersign import alias_item, key
from billing.users import User
from tests.world import by, propose

SignIn = Callable[[User], Client]
CREATE = "/changes/new/customer.create/"


@pytest.mark.parametrize("aliases", ["", "\n", "\r\n\r\n"])
def test_a_new_customer_without_an_alias_is_refused_in_the_form(
    house: None, maker: User, as_person: SignIn, aliases: str
) -> None:
    entered = {"name": "Newcomer", "ingest_aliases": aliases, "reason": "ordered"}

    answer = as_person(maker).post(CREATE, entered)
    hints = as_person(maker).post(f"{CREATE}hints/", entered)

    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"ingest_aliases"}
    assert hints.context["requirement"] is None
    assert not ChangeRequest.objects.exists()


@pytest.mark.parametrize(
    "name", ["\u200b", "\u2066\u2069", "\u3164\u200d", "\ufffc", "\u0301", "abc\u202egnp.exe"]
)
def test_a_name_that_shows_nothing_or_something_else_is_refused(
    house: None, maker: User, as_person: SignIn, name: str
) -> None:
    answer = as_person(maker).post(CREATE, {"name": name, "ingest_aliases": "a", "reason": "ordered"})

    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"name"}


def test_a_new_alias_that_turns_the_text_around_is_refused_and_an_old_one_is_spelled_out(
    snapshot: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    browser = as_person(maker)
    address = f"/changes/new/customer.realias/?customer={snapshot['id']}"

    new = browser.post(address, {"ingest_aliases": "r6\u202ealias", "reason": "ordered"})

    assert new.status_code == 422
    assert new.context["form"].errors.keys() == {"ingest_aliases"}
    assert key("r6\u202ealias") == '<span class="key">r6[U+202E]alias</span>'
    assert 'data-copy="r6\u202ealias"' in alias_item("r6\u202ealias")
    assert "data-copy>" in alias_item("plain")


def test_what_the_eye_overlooks_is_a_warning_on_the_request(
    house: None, maker: User, as_person: SignIn
) -> None:
    entered = {"name": "abc\u2060d\u2028e\u00a0f", "ingest_aliases": "plain\n \n ends ", "reason": "ordered"}

    answer = as_person(maker).post(CREATE, entered)

    request = sealed.read(ChangeRequest.objects.get().sealed)
    assert answer.status_code == 302
    assert [(warning["title"], warning["text"]) for warning in request.warnings] == [
        (
            "The name holds what can’t be seen.",
            "U+2060 WORD JOINER, U+2028 LINE SEPARATOR, U+00A0 NO-BREAK SPACE.",
        ),
        (
            "Easily overlooked.",
            "“ ” is nothing but spaces; “ ends ” starts with a space and ends with a space. "
            "All of it is part of the alias.",
        ),
    ]


@pytest.mark.parametrize("again", ["%00", "CR-999999", "nonsense"])
def test_proposing_again_what_does_not_exist_is_a_404(
    snapshot: dict[str, Any], maker: User, as_person: SignIn, again: str
) -> None:
    address = f"/changes/new/customer.realias/?customer={snapshot['id']}&again={again}"

    assert as_person(maker).get(address).status_code == 404


def test_a_request_is_proposed_again_only_for_its_own_customer_and_as_its_own_kind(
    submitted: ChangeRequest, snapshot: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    deciding.withdraw(submitted.pk, actor=by(maker), reason="wrong one")
    submitted.refresh_from_db()
    browser, again = as_person(maker), f"again={submitted.reference}"

    assert browser.get(f"/changes/new/customer.rename/?customer={snapshot['id']}&{again}").status_code == 200
    assert browser.get(f"/changes/new/customer.realias/?customer={snapshot['id']}&{again}").status_code == 404
    assert browser.get(f"{CREATE}?{again}").status_code == 404
    with pytest.raises(refusals.BadInput, match="another customer"):
        propose(
            "customer.rename",
            maker,
            {"name": "Other"},
            snapshot={**snapshot, "id": str(uuid.uuid4())},
            replaces=submitted,
        )


@pytest.mark.parametrize("reason", ["esc \x1b[31m", "bell \x07", "half \ud800"])
def test_a_reason_with_control_characters_is_refused_and_nothing_is_recorded(
    submitted: ChangeRequest, checker: User, as_person: SignIn, reason: str
) -> None:
    before = AuditEvent.objects.count()

    with pytest.raises(refusals.BadInput, match="control character"):
        deciding.decide(
            submitted.pk, actor=by(checker), verdict="reject", reason=reason, digest=submitted.digest
        )

    assert AuditEvent.objects.count() == before
    assert typed.checked_reason("two\r\nlines\tand a tab ") == "two\nlines\tand a tab"


@pytest.mark.parametrize(
    "address",
    [
        "/changes/?view=nonsense",
        "/changes/?view=all&status=nonsense",
        "/changes/?status=nonsense",
        "/changes/?view=mine&status=applied",
    ],
)
def test_a_list_that_does_not_exist_is_a_400_as_page_and_as_file(
    house: None, maker: User, as_person: SignIn, address: str
) -> None:
    browser = as_person(maker)

    assert browser.get(address).status_code == 400
    assert browser.get(address.replace("/changes/?", "/changes.csv?")).status_code == 400


def test_a_name_that_turns_the_text_around_cannot_change_what_an_approver_reads(
    snapshot: dict[str, Any], maker: User, checker: User, as_person: SignIn
) -> None:
    turned = {**snapshot, "name": "abc\u202egnp.exe"}
    change = propose("customer.rename", maker, {"name": "Plain"}, snapshot=turned)

    page = as_person(checker).get(f"/changes/{change.reference}/").text

    assert "Rename “abc[U+202E]gnp.exe” to “Plain”." in page
    assert "Rename “abc\u202e" not in page


def test_what_cannot_be_seen_is_escaped_in_the_body_that_is_shown(
    house: None, maker: User, as_person: SignIn
) -> None:
    change = propose(
        "customer.create", maker, {"name": "a\u2060b", "ingest_aliases": ["x\u2060y"], "custom_fields": {}}
    )

    shown = sealed.read(change.sealed).calls[0].body_text

    assert '"a\\u2060b"' in shown
    assert '"x\\u2060y"' in shown
    assert json.loads(shown) == sealed.read(change.sealed).calls[0].http.body


ODD = "line\nalias"


@pytest.fixture
def with_odd_aliases(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The customer as other systems left it: aliases that no form of ours would make."""
    for alias in (ODD, "cr\rlf\r\n", "tab\talias", "x" * 300, " lead"):
        IngestAlias.objects.create(customer_id=snapshot["id"], alias=alias, fetched_at=timezone.now())
    return mirror.snapshot(snapshot["id"])


def shown(browser: Client, address: str) -> dict[str, Any]:
    """What a browser would send back from the form as it is drawn."""
    form = browser.get(address).context["form"]
    entered = {field.name: field.value() for field in form if field.name != "reason"}
    return {**entered, "ingest_aliases": entered["ingest_aliases"].replace("\n", "\r\n")}


def test_sending_the_alias_form_back_changes_nothing(
    with_odd_aliases: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    browser = as_person(maker)
    address = f"/changes/new/customer.realias/?customer={with_odd_aliases['id']}"

    same = browser.post(address, shown(browser, address) | {"reason": "ordered"})

    assert same.status_code == 422
    assert same.context["form"].errors == {"ingest_aliases": ["These are the aliases it has already."]}
    assert not ChangeRequest.objects.exists()


def test_adding_an_alias_keeps_those_that_no_line_can_hold(
    with_odd_aliases: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    browser = as_person(maker)
    address = f"/changes/new/customer.realias/?customer={with_odd_aliases['id']}"
    entered = shown(browser, address)

    sent = browser.post(
        address, entered | {"ingest_aliases": entered["ingest_aliases"] + "\r\nnew-b", "reason": "ordered"}
    )

    assert sent.status_code == 302
    call = sealed.read(ChangeRequest.objects.get().sealed).calls[0]
    assert set(call.params.ingest_aliases) == {*with_odd_aliases["ingest_aliases"], "new-b"}
    assert "Add “new-b”" in ChangeRequest.objects.get().sentence


def test_one_that_no_line_can_hold_is_removed_only_by_its_box(
    with_odd_aliases: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    browser = as_person(maker)
    address = f"/changes/new/customer.realias/?customer={with_odd_aliases['id']}"
    page = browser.get(address)
    boxes = {label: mark for mark, label in page.context["form"].fields["removed"].choices}

    assert set(boxes) == {"Remove “line⏎alias”", "Remove “cr⏎lf⏎”"}
    sent = browser.post(
        address,
        shown(browser, address) | {"removed": [boxes["Remove “line⏎alias”"]], "reason": "ordered"},
    )

    assert sent.status_code == 302
    call = sealed.read(ChangeRequest.objects.get().sealed).calls[0]
    assert set(with_odd_aliases["ingest_aliases"]) - set(call.params.ingest_aliases) == {ODD}


def test_a_new_alias_with_a_control_character_is_still_refused(
    with_odd_aliases: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    browser = as_person(maker)
    address = f"/changes/new/customer.realias/?customer={with_odd_aliases['id']}"
    entered = shown(browser, address)

    sent = browser.post(
        address, entered | {"ingest_aliases": entered["ingest_aliases"] + "\r\nnew\ttab", "reason": "ordered"}
    )

    assert sent.status_code == 422
    assert not ChangeRequest.objects.exists()


@pytest.mark.parametrize("is_capital", [False, True])
def test_an_alias_that_is_somebody_elses_id_is_refused_and_said_at_once(
    snapshot: dict[str, Any], maker: User, as_person: SignIn, is_capital: bool
) -> None:
    alias = snapshot["id"].upper() if is_capital else snapshot["id"]
    entered = {"name": "Newcomer", "ingest_aliases": alias, "reason": "ordered"}
    other = Customer.objects.create(id=uuid.uuid4(), name="Other", fetched_at=timezone.now())
    address = f"/changes/new/customer.realias/?customer={other.pk}"

    answer = as_person(maker).post(CREATE, entered)
    hints = as_person(maker).post(f"{CREATE}hints/", entered)
    changed = as_person(maker).post(address, {"ingest_aliases": alias, "reason": "ordered"})

    refused = [f"“{alias}” is the id of {snapshot['name']}, whose usage events are sent under it."]
    assert answer.status_code == changed.status_code == 422
    assert answer.context["form"].errors == {"ingest_aliases": refused}
    assert changed.context["form"].errors == {"ingest_aliases": refused}
    assert f"“{alias}” is the id of {snapshot['name']}." in html.unescape(hints.content.decode())
    assert not ChangeRequest.objects.exists()


def test_a_customer_may_hold_its_own_id_as_an_alias(
    snapshot: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    address = f"/changes/new/customer.realias/?customer={snapshot['id']}"

    answer = as_person(maker).post(address, {"ingest_aliases": snapshot["id"], "reason": "ordered"})

    assert answer.status_code == 302
    assert ChangeRequest.objects.count() == 1


def test_what_is_easily_taken_for_anothers_is_a_warning_on_the_request(
    snapshot: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    held = Customer.objects.get(pk=snapshot["id"])
    IngestAlias.objects.create(customer=held, alias="Zeb-1", fetched_at=timezone.now())
    Customer.objects.filter(pk=held.pk).update(name="Mu\u0308ller  Bau", external_id="CRM-7")
    Customer.objects.create(id=uuid.uuid4(), name="Мüller Bau", fetched_at=timezone.now())
    entered = {"name": "Müller Bau", "ingest_aliases": "zeb\u20111\ncrm-7\nCR-000098", "reason": "ordered"}

    hints = html.unescape(as_person(maker).post(f"{CREATE}hints/", entered).content.decode())
    answer = as_person(maker).post(CREATE, entered)

    said = [
        "“zeb\u20111” reads like “Zeb-1” of Mu\u0308ller  Bau, which is another alias.",
        "“crm-7” reads like the external id of Mu\u0308ller  Bau.",
        "“CR-000098” reads like the number of a change request.",
    ]
    assert answer.status_code == 302
    assert [
        (each["title"], each["text"]) for each in sealed.read(ChangeRequest.objects.get().sealed).warnings
    ] == [
        ("The name is taken.", "1 customer is called so already."),
        (
            "The name looks like another.",
            "“Мüller Bau” is written with other characters and looks the same.",
        ),
        (
            "Easily taken for another.",
            f"{' '.join(said)} Usage goes by the exact alias: one slip and it is billed to somebody else, "
            "or to nobody.",
        ),
    ]
    assert [words for words in said if words not in hints] == []
