"""A customer provisioned with a contract: from a rate card, billed as was just set up, or from a package."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from billing.changes import sealed
from billing.changes.agreeing import resolving
from billing.changes.applying import apply
from billing.changes.models import ChangeRequest, Word
from billing.metronome.account import Gateway
from billing.metronome.objects.contract import contracts_of
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.package import packages
from billing.mirror.resources.rate_card import rate_cards
from billing.pages.requests.differences import differences
from billing.users import User
from tests.changes.test_apply import settle_until_known
from tests.changes.test_provision import ADDRESS, MADE, effects, made_customer
from tests.simulator_server import RunningSimulator
from tests.world import approve, by

ROUTES = [
    "POST /v1/customers",
    "POST /v1/setCustomerBillingProviderConfigurations",
    "POST /v1/contracts/create",
]


@pytest.fixture
def sources(gateway: Gateway) -> dict[str, str]:
    """A rate card's and a package's names by what the form calls them."""
    refresh_account(gateway, pauses=())
    card, package = rate_cards()[0], packages()[0]
    return {f"rate_card:{card.pk}": card.name, f"package:{package.pk}": package.name}


def typed(source: str, **other: str) -> dict[str, str]:
    """What a person types into the form."""
    terms = {
        "contract_name": "Order 1207",
        "contract_ending_before": "2032-12-01",
        "contract_net_payment_terms_days": "45",
        "contract_frequency": "QUARTERLY",
        "contract_statement_day": "CONTRACT_START",
    }
    return {
        "name": "Tide Water Robotics ApS",
        "ingest_aliases": "tide-water",
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "stripe_customer_id": "cus_R2tW81nQ",
        "stripe_collection_method": "send_invoice",
        "contract_source": source,
        "contract_starting_at": "2031-12-01",
        "reason": "Signed order OF-1207.",
        **(terms if source.startswith("rate_card") else {}),
        **other,
    }


def send(maker: User, entered: dict[str, str]) -> ChangeRequest:
    browser = Client()
    browser.force_login(maker)
    answer = browser.post(ADDRESS, entered)
    assert answer.status_code == 302, answer.context["form"].errors
    return ChangeRequest.objects.get()


@pytest.fixture
def agreed(sources: dict[str, str], maker: User, checker: User) -> ChangeRequest:
    return approve(send(maker, typed(next(iter(sources)))), checker)


def test_the_contract_takes_the_ids_of_the_customer_and_of_its_configuration(
    sources: dict[str, str], agreed: ChangeRequest
) -> None:
    request = sealed.read(agreed.sealed)
    source, name = next(iter(sources.items()))
    call = request.call(3)

    assert call.http.body == {
        "customer_id": MADE,
        "starting_at": "2031-12-01T00:00:00Z",
        "uniqueness_key": str(call.key),
        "rate_card_id": source.removeprefix("rate_card:"),
        "name": "Order 1207",
        "ending_before": "2032-12-01T00:00:00Z",
        "net_payment_terms_days": 45,
        "usage_statement_schedule": {"frequency": "QUARTERLY", "day": "CONTRACT_START"},
        "billing_provider_configuration": {"billing_provider_configuration_id": "‹id from call 2›"},
    }
    assert request.watched == {source: {"name": name}}
    assert request.sentence.endswith(
        f"and give it the contract “Order 1207” from the rate card “{name}” "
        "from 2031-12-01 up to 2032-12-01, with usage billed quarterly and 45 days to pay."
    )
    assert ("Order 1207, new", [("Name", "Order 1207"), ("Start", "2031-12-01T00:00:00Z")]) in [
        (told.title, [(each.label, each.after) for each in told.fields][:2]) for told in differences(request)
    ]


def test_it_is_applied_and_the_contract_is_billed_through_the_new_configuration(
    agreed: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert (agreed.status, agreed.explanation) == ("applied", "")
    assert effects(simulator) == ROUTES
    (contract,) = gateway.every(contracts_of(made_customer(simulator)["id"]))
    made = {call.position: call.result["id"] for call in agreed.calls.all()}
    assert contract.id == made[3]
    assert contract.name == "Order 1207"
    assert contract.raw["net_payment_terms_days"] == 45
    assert contract.raw["customer_billing_provider_configuration"]["id"] == made[2]
    assert (agreed.upshot.missed, agreed.upshot.misses) == (0, [])


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("fault", "options"), [("drop_before", {}), ("drop_after", {}), ("status_after", {"status": 500})]
)
def test_silence_at_any_call_costs_time_and_never_a_second_effect(
    number: int,
    fault: str,
    options: dict[str, Any],
    agreed: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    simulator.fault(ROUTES[number - 1], fault, **options)

    apply.apply_change(agreed.pk, gateway)
    settle_until_known(agreed, gateway)

    assert agreed.status == "applied", agreed.explanation
    assert effects(simulator) == ROUTES


def test_a_refused_contract_leaves_what_was_done_and_a_person_goes_on(
    agreed: ChangeRequest, administrator: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(ROUTES[2], "status_before", status=400, message="not today")
    apply.apply_change(agreed.pk, gateway)
    agreed.refresh_from_db()
    assert (agreed.status, agreed.explanation) == (
        "partly_applied",
        "Call 3 was refused by Metronome: not today",
    )
    assert effects(simulator) == ROUTES[:2]

    resolving.resolve(agreed.pk, actor=by(administrator), verdict=Word.GO_ON, reason="it is set up now")
    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert agreed.status == "applied"
    assert effects(simulator) == ROUTES


def test_a_package_brings_its_own_terms(
    sources: dict[str, str], maker: User, checker: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    package, name = list(sources.items())[1]
    change = approve(send(maker, typed(package)), checker)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.explanation) == ("applied", "")
    (contract,) = gateway.every(contracts_of(made_customer(simulator)["id"]))
    assert contract.raw["package_id"] == package.removeprefix("package:")
    assert change.sentence.endswith(
        f"and give it a contract from the package “{name}” from 2031-12-01 on, with the terms that it brings."
    )
    request = sealed.read(change.sealed)
    (caution,) = [each for each in request.warnings if "package" in each["title"]]
    assert "It brings an end after" in caution["text"]
    assert re.search(r"an end after 1 year, 1 commit, \d subscriptions, net 30 days\.", caution["text"])
    (made,) = [told for told in differences(request) if told.title == "contract, new"]
    assert [each.label for each in made.fields] == ["Start", "Status"]
    assert (change.upshot.missed, change.upshot.misses) == (0, [])


def test_a_rate_card_that_is_archived_meanwhile_makes_it_stale(
    sources: dict[str, str], agreed: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    card = next(iter(sources)).removeprefix("rate_card:")
    route = "POST /v1/contract-pricing/rate-cards/archive"
    simulator.control("POST", "change", {"what": route, "body": {"id": card}})

    apply.apply_change(agreed.pk, gateway)

    agreed.refresh_from_db()
    assert (agreed.status, agreed.explanation) == ("stale", "Metronome no longer knows this rate card.")
    assert effects(simulator) == []


@pytest.mark.parametrize(
    ("of", "change", "field", "words"),
    [
        (0, {"contract_starting_at": ""}, "contract_starting_at", "Say the day that the contract starts."),
        (0, {"contract_ending_before": "2031-12-01"}, "contract_ending_before", "after 2031-12-01"),
        (0, {"contract_statement_day": ""}, "contract_statement_day", "or neither"),
        (0, {"contract_frequency": ""}, "contract_frequency", "or neither"),
        (0, {"contract_source": ""}, "contract_name", "Choose a rate card or a package, or clear this."),
        (
            0,
            {"contract_source": "rate_card:nonsense"},
            "contract_source",
            "That is not offered, or not any more.",
        ),
        (0, {"contract_name": "x" * 161}, "contract_name", "160"),
        (0, {"contract_starting_at": "1900-01-01"}, "contract_starting_at", "from 2000-01-01 on"),
        (0, {"contract_ending_before": "9999-12-31"}, "contract_ending_before", "before 2100-01-01"),
        (1, {"contract_name": "Ours"}, "contract_name", "A package brings its own terms"),
        (1, {"contract_net_payment_terms_days": "0"}, "contract_net_payment_terms_days", "brings its own"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_lost(
    of: int, change: dict[str, str], field: str, words: str, sources: dict[str, str], maker: User
) -> None:
    browser = Client()
    browser.force_login(maker)

    answer = browser.post(ADDRESS, typed(list(sources)[of], **change))

    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors[field])
    assert "tide-water" in answer.text
    assert not ChangeRequest.objects.exists()


def test_a_contract_and_a_plan_are_not_given_at_once(sources: dict[str, str], maker: User) -> None:
    from billing.mirror.resources import plan as plans

    plan = {"plan_id": str(plans.plans_on_offer()[0].id), "starting_on": "2031-12-01"}
    browser = Client()
    browser.force_login(maker)

    answer = browser.post(ADDRESS, typed(next(iter(sources)), **plan))

    assert "usage would be billed twice" in str(answer.context["form"].errors["plan_id"])


def test_a_past_start_and_a_contract_without_a_provider_are_cautions(
    sources: dict[str, str], maker: User
) -> None:
    billing = ("billing_provider", "delivery_method", "stripe_customer_id", "stripe_collection_method")
    entered = typed(next(iter(sources)), contract_starting_at="2020-01-01")
    change = send(maker, {name: value for name, value in entered.items() if name not in billing})

    request = sealed.read(change.sealed)
    assert [warning["title"] for warning in request.warnings] == [
        "The contract starts in the past.",
        "The contract names no billing provider.",
    ]
    assert request.facts["backdated"] is True
    assert "billing_provider_configuration" not in request.call(2).http.body


def test_a_start_far_ahead_is_a_caution(sources: dict[str, str], maker: User) -> None:
    later = {"contract_starting_at": "2062-01-01", "contract_ending_before": ""}
    change = send(maker, typed(next(iter(sources)), **later))

    titles = [warning["title"] for warning in sealed.read(change.sealed).warnings]
    assert [title for title in titles if "years from now" in title] == [
        "The contract begins 35 years from now."
    ]
