"""What a fresh reader stumbled over: forms that ask for nothing, and words that say too much."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from billing.changes.applying import apply
from billing.changes.asking.kinds import KINDS
from billing.changes.asking.kinds.billing.fields import Billing, delivery_cautions, spoken
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest, Lookup, Survey
from billing.changes.moves import database_now
from billing.control import freezing
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers
from billing.mirror.models import RefreshRun
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.resources.subscription import CustomerPlan
from billing.pages.requests import facts
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import about, approve, by, propose

SignIn = Callable[[User], Client]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.fixture
def bare(snapshot: dict[str, Any], gateway: Gateway, maker: User) -> dict[str, Any]:
    """A customer on no plan, without aliases, custom fields and billing providers, surveyed just now."""
    CustomerPlan.objects.filter(customer_id=snapshot["id"]).delete()
    IngestAlias.objects.filter(customer_id=snapshot["id"]).delete()
    Customer.objects.filter(pk=snapshot["id"]).update(custom_fields={})
    content = read_survey(gateway, snapshot["id"]) | {"billing": {}, "billed": [], "contracts": []}
    Survey.objects.create(
        customer_id=snapshot["id"], asked_by=maker, answered_at=database_now(), content=content
    )
    return snapshot


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("plan.end", "This customer is on no plan and never was"),
        ("billing.archive", "This customer has no billing provider that is not archived already."),
        ("customer.delete_fields", "This customer has no custom field that could be removed."),
        ("customer.move_alias", "This customer holds no ingest alias that could be moved."),
        ("contract.end", "This customer has no contract that this could be asked for."),
        ("contract.rename", "This customer has no contract that this could be asked for."),
    ],
)
def test_a_form_that_could_ask_for_nothing_says_so(
    bare: dict[str, Any], maker: User, as_person: SignIn, kind: str, words: str
) -> None:
    page = as_person(maker).get(f"/changes/new/{kind}/?customer={bare['id']}").text

    assert "<strong>Nothing to ask for.</strong>" in page
    assert words in page
    assert "Send for approval" not in page


def test_how_old_a_reading_is_goes_on_beside_the_form(
    bare: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    page = as_person(maker).get(f"/changes/new/customer.archive/?customer={bare['id']}").text

    assert "<span>Read just now</span></span>" in page
    assert re.search(r'read in Metronome <time [^>]+>[\d:]+ UTC</time>,\s+<time [^>]+ data-age="\d+">', page)

    early = database_now() - timedelta(minutes=5)
    Survey.objects.update(asked_at=early, answered_at=early)
    page = as_person(maker).get(f"/changes/new/customer.archive/?customer={bare['id']}").text
    assert "<span>Read before</span></span>" in page
    assert ">5 min</time> ago" in page


@pytest.mark.parametrize(
    ("kind", "typed", "words"),
    [
        ("billing.set", {"billing_provider": "nonsense"}, "That is not offered, or not any more."),
        ("customer.rename", {"name": ""}, "Fill this in."),
        ("customer.rename", {"name": "n" * 162}, "The new name is 162 characters long"),
        ("plan.add", {"net_payment_terms_days": "400"}, "Enter at most 365."),
        ("plan.add", {"trial_days": "some"}, "Enter a whole number, in digits."),
    ],
)
def test_a_form_says_in_our_words_what_to_do(
    bare: dict[str, Any], kind: str, typed: dict[str, str], words: str
) -> None:
    errors = KINDS[kind].form(about(bare), typed).errors

    told = [said for field in errors.values() for said in field]
    assert any(words in said for said in told), told
    assert not [said for said in told if "Ensure" in said or "This field" in said or "valid choice" in said]


def test_what_is_read_first_is_told_of_in_the_singular() -> None:
    about = [kind.survey_about for kind in KINDS.values() if kind.needs_survey]
    assert about
    assert [words for words in about if not words.startswith(("What ", "How "))] == []


def test_who_has_no_aliases_is_not_asked_to_clear_them(bare: dict[str, Any]) -> None:
    snapshot = {**bare, "ingest_aliases": []}

    assert "clear_aliases" not in KINDS["customer.archive"].form(about(snapshot)).fields
    assert "clear_aliases" in KINDS["customer.archive"].form(about(bare)).fields


def test_a_plan_without_an_end_is_not_offered_to_lose_it(snapshot: dict[str, Any]) -> None:
    CustomerPlan.objects.filter(customer_id=snapshot["id"]).update(ending_before=None)
    form = KINDS["plan.end"].form(about(snapshot))
    assert [value for value, _words in form.fields["how"].widget.choices] == ["ends"]

    CustomerPlan.objects.filter(customer_id=snapshot["id"]).update(ending_before=database_now())
    rows = CustomerPlan.objects.filter(customer_id=snapshot["id"]).count()
    form = KINDS["plan.end"].form(about(snapshot))
    assert len(form.fields["how"].widget.choices) == (2 if rows else 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "stripe, stripe_collection_method send_invoice, stripe_customer_id cus_1, "
            "direct_to_billing_provider",
            "Stripe (cus_1, send the invoice)",
        ),
        ("azure_marketplace, azure_subscription_id s1, aws_sqs", "Azure Marketplace (s1)"),
        (
            "aws_marketplace, aws_customer_id a, aws_is_subscription_product yes, aws_sqs",
            "AWS Marketplace (a)",
        ),
        ("elsewhere, through", "elsewhere"),
    ],
)
def test_a_configuration_is_said_as_people_say_it(words: str, said: str) -> None:
    assert spoken(words) == said


@pytest.mark.parametrize(
    ("provider", "method", "warned"),
    [
        ("aws_marketplace", "direct_to_billing_provider", True),
        ("aws_marketplace", "aws_sqs", False),
        ("stripe", "direct_to_billing_provider", False),
    ],
)
@pytest.mark.usefixtures("db")
def test_a_marketplace_delivered_to_directly_is_warned_of(provider: str, method: str, warned: bool) -> None:
    assert bool(delivery_cautions(Billing(provider, {}, method, ""))) is warned


def test_who_may_not_have_the_mirror_read_anew_reads_what_they_may_not(
    auditor: User, as_person: SignIn
) -> None:
    page = squeezed(as_person(auditor).get("/system/anew/").text)

    assert "The role auditor may not have the whole mirror read anew" in page


@pytest.mark.parametrize(
    ("verdict", "counts", "late", "tagged"),
    [
        ("not_applied", False, 0, True),
        ("not_applied", False, 999, False),
        ("not_applied", True, 0, False),
        ("cannot_tell", False, 0, False),
        ("applied", False, 0, False),
    ],
)
def test_only_a_no_can_be_too_early(
    approved: ChangeRequest,
    checker: User,
    as_person: SignIn,
    settings: Any,
    verdict: str,
    counts: bool,
    late: int,
    tagged: bool,
) -> None:
    settings.SETTLE_SECONDS = 900
    sent, call = database_now(), approved.calls.get()
    Lookup.objects.create(
        call=call,
        looked_at=sent + timedelta(seconds=late),
        verdict=verdict,
        counts=counts,
        sentence="Seen.",
    )
    call.status, call.first_sent_at = "unknown", sent
    call.save()

    page = as_person(checker).get(f"/changes/{approved.reference}/").text

    assert ("too early to count as a no" in page) is tagged


def test_what_was_frozen_with_a_part_done_expires_no_more_and_links_what_it_made(
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
    maker: User,
    checker: User,
    administrator: User,
    as_person: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Frozen between the first call and the second."""
    entered = {
        "name": "Tidewater",
        "ingest_aliases": ["tidewater"],
        "custom_fields": {},
        "billing": Billing(
            "stripe",
            {"stripe_customer_id": "cus_1", "stripe_collection_method": "send_invoice"},
            "direct_to_billing_provider",
            "",
        ),
        "plan_id": "",
        "starting_on": "",
        "ending_before": "",
        "net_payment_terms_days": None,
        "trial_days": None,
    }
    change = approve(propose("customer.provision", maker, entered), checker)
    carried_out = apply._carry_out

    def then_freeze(*given: Any) -> bool:
        went_on = carried_out(*given)
        freezing.freeze(by(administrator), "a look at the books")
        return went_on

    monkeypatch.setattr(apply, "_carry_out", then_freeze)
    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.about_customer is not None) == ("approved", True)
    page = squeezed(as_person(checker).get(f"/changes/{change.reference}/").text)
    assert "expires 20" not in page
    assert f'<a href="/customers/{change.about_customer}/">The customer’s page</a>' in page


def test_a_move_of_aliases_links_both_customers(
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
    submitted: ChangeRequest,
    maker: User,
) -> None:
    text = facts.sealed.read(submitted.sealed)
    other = gateway.page(customers(archived=False)).items[0]
    Customer.objects.get_or_create(
        pk=other.id, defaults={"name": other.name, "fetched_at": database_now(), "created_at": database_now()}
    )
    text.content["before"][f"customer:{other.id}"] = {"name": other.name}

    found = facts._customers(submitted, text)

    assert [(str(of), name) for of, name in found] == [
        (snapshot["id"], snapshot["name"]),
        (other.id, other.name),
    ]


def test_the_last_whole_refresh_stays_on_top_of_many_small_ones(
    maker: User, as_person: SignIn, snapshot: dict[str, Any]
) -> None:
    whole = RefreshRun.objects.create(status="succeeded", scope="account")
    for _each in range(20):
        RefreshRun.objects.create(status="succeeded", scope="customer", customer_id=snapshot["id"])

    runs = as_person(maker).get("/system/").context["runs"]

    assert (len(runs), runs[0].pk) == (15, whole.pk)
    assert len({run.pk for run in runs}) == 15
