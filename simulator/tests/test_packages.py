"""Packages, driven by the strict SDK."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from metronome import APIStatusError, BadRequestError, ConflictError, Metronome, NotFoundError

from simulator.running import TOKEN

NOBODY = "00000000-0000-4000-8000-000000000000"
NOW, MONTH, YEAR = (
    {"value": 0, "unit": "DAYS"},
    {"value": 1, "unit": "MONTHS"},
    {"value": 1, "unit": "YEARS"},
)


@pytest.fixture
def names(sdk: Metronome) -> dict[str, str]:
    """The seeded catalogue by name, the dollar card as "card"."""
    ids = {product.current.name: product.id for product in sdk.v1.contracts.products.list()}
    cards = {card.name: card.id for card in sdk.v1.contracts.rate_cards.list(body={})}
    return ids | {"card": cards["List prices USD"]}


def terms(names: dict[str, str]) -> dict[str, Any]:
    """A package with one of everything."""
    commit, seats = names["Prepaid commit"], names["Seats"]
    return {
        "name": "Everything",
        "contract_name": "Growth contract",
        "rate_card_id": names["card"],
        "aliases": [{"name": "everything"}],
        "duration": YEAR,
        "net_payment_terms_days": 30,
        "multiplier_override_prioritization": "EXPLICIT",
        "subscriptions": [
            {
                "temporary_id": "seats",
                "subscription_rate": {"product_id": seats, "billing_frequency": "MONTHLY"},
                "collection_schedule": "ADVANCE",
                "proration": {},
                "initial_quantity": 5,
            }
        ],
        "commits": [
            {
                "temporary_id": "start",
                "type": "PREPAID",
                "product_id": commit,
                "name": "Starting balance",
                "priority": 1,
                "access_schedule": {
                    "schedule_items": [{"amount": 5000, "starting_at_offset": NOW, "duration": YEAR}]
                },
                "invoice_schedule": {
                    "schedule_items": [{"unit_price": 4000, "quantity": 1, "date_offset": MONTH}]
                },
            }
        ],
        "credits": [
            {
                "product_id": names["Goodwill credit"],
                "access_schedule": {
                    "access_type": "QUANTITY",
                    "schedule_items": [{"amount": 10, "starting_at_offset": NOW, "duration": MONTH}],
                },
            }
        ],
        "recurring_commits": [
            {
                "product_id": commit,
                "access_amount": {"unit_price": 100},
                "commit_duration": {"value": 1},
                "priority": 2,
                "starting_at_offset": NOW,
                "recurrence_frequency": "MONTHLY",
                "subscription_config": {
                    "subscription_id": "seats",
                    "apply_seat_increase_config": {"is_prorated": True},
                },
            }
        ],
        "recurring_credits": [
            {
                "product_id": commit,
                "access_amount": {"unit_price": 1, "quantity": 10, "access_type": "QUANTITY"},
                "commit_duration": {"value": 1, "unit": "PERIODS"},
                "priority": 3,
                "starting_at_offset": NOW,
                "duration": MONTH,
            }
        ],
        "scheduled_charges": [
            {
                "product_id": commit,
                "name": "Set-up",
                "schedule": {"schedule_items": [{"unit_price": 10, "quantity": 2, "date_offset": NOW}]},
            }
        ],
        "overrides": [
            {
                "override_specifiers": [{"product_id": names["Storage"], "commit_ids": ["start"]}],
                "is_commit_specific": True,
                "starting_at_offset": NOW,
                "type": "MULTIPLIER",
                "multiplier": 0.9,
                "priority": 1,
            },
            {
                "override_specifiers": [{"product_id": names["Data transfer"]}],
                "starting_at_offset": MONTH,
                "duration": MONTH,
                "overwrite_rate": {"rate_type": "FLAT", "price": 3},
            },
        ],
        "spend_trackers": [
            {
                "alias": "bought",
                "applicable_spend_specifiers": [{"sources": ["MANUAL"], "spend_type": "COMMIT_PURCHASE"}],
                "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
                "reset_frequency": "BILLING_PERIOD",
            }
        ],
        "usage_statement_schedule": {"frequency": "QUARTERLY", "day": "CONTRACT_START"},
    }


def test_a_package_is_shown_as_it_was_made(sdk, simulator, names):
    made = sdk.v1.packages.create(**terms(names), uniqueness_key="growth-1").data.id

    package = sdk.v1.packages.retrieve(package_id=made).data
    (commit,), (credit,), (subscription,) = package.commits, package.credits, package.subscriptions
    (recurring,), (daily,), (charge,) = (
        package.recurring_commits,
        package.recurring_credits,
        package.scheduled_charges,
    )
    specific, overwrite = package.overrides
    assert (package.name, package.contract_name, package.created_by) == (
        "Everything",
        "Growth contract",
        "API token",
    )
    assert (package.uniqueness_key, package.rate_card_id) == ("package:growth-1", names["card"])
    assert (package.duration.value, package.duration.unit) == (1, "YEARS")
    assert (commit.name, commit.product.name, commit.access_schedule.credit_type.name) == (
        "Starting balance",
        "Prepaid commit",
        "USD (cents)",
    )
    assert commit.invoice_schedule.do_not_invoice is False
    assert credit.access_schedule.credit_type.id == "00000000-0000-0000-0000-000000000000"
    assert (subscription.proration.is_prorated, subscription.quantity_management_mode) == (
        True,
        "QUANTITY_ONLY",
    )
    assert recurring.subscription_config.subscription_template_id == subscription.id
    assert daily.access_amount.access_type == "QUANTITY"
    assert charge.schedule.schedule_items[0].quantity == 2
    assert specific.override_specifiers[0].commit_template_ids == [commit.id]
    assert overwrite.overwrite_rate.credit_type.name == "USD (cents)"
    assert (package.usage_statement_schedule.frequency, package.usage_statement_schedule.day) == (
        "QUARTERLY",
        "CONTRACT_START",
    )
    assert [(row["resource_type"], row["action"]) for row in simulator.ledger()] == [("package", "create")]


def test_a_contract_made_from_a_package_has_its_terms_and_is_listed_on_it(sdk, names):
    package = sdk.v1.packages.create(**terms(names)).data.id
    customer = sdk.v1.customers.create(name="Growing AB").data.id
    assert list(sdk.v1.packages.list_contracts_on_package(package_id=package)) == []

    contract = sdk.v1.contracts.create(
        customer_id=customer, package_alias="everything", starting_at="2026-03-01T00:00:00Z"
    ).data.id

    made = sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data
    (commit,) = [each for each in made.commits if each.name == "Starting balance"]
    assert (made.name, made.rate_card_id) == ("Growth contract", names["card"])
    assert f"{made.ending_before:%Y-%m-%d}" == "2027-03-01"
    assert [each.amount for each in commit.access_schedule.schedule_items] == [5000]
    assert [f"{each.timestamp:%Y-%m-%d}" for each in commit.invoice_schedule.schedule_items] == ["2026-04-01"]

    def listed(**filters: Any) -> list[str]:
        rows = sdk.v1.packages.list_contracts_on_package(package_id=package, **filters)
        return [row.contract_id for row in rows]

    assert listed() == [contract]
    assert listed(covering_date="2026-02-28T00:00:00Z") == []
    assert listed(starting_at="2026-03-01T00:00:00Z") == [contract]
    sdk.v1.contracts.archive(customer_id=customer, contract_id=contract, void_invoices=True)
    assert listed() == []
    assert listed(include_archived=True) == [contract]


def test_the_seeded_package_makes_a_contract(sdk):
    (package,) = sdk.v1.packages.list()
    customer = sdk.v1.customers.create(name="Seeded AB").data.id

    contract = sdk.v1.contracts.create(
        customer_id=customer, package_id=package.id, starting_at="2026-03-01T00:00:00Z"
    ).data.id

    made = sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data
    assert (package.name, made.name) == ("Growth", "Growth")
    assert [each.name for each in made.subscriptions] == ["Platform fee", "Seats"]
    assert [each.name for each in made.commits] == ["Prepaid balance"]


def test_a_package_by_alias_takes_the_card_that_has_it_when_the_contract_starts(sdk):
    package = sdk.v1.packages.create(name="By alias", rate_card_alias="list-eur").data.id
    customer = sdk.v1.customers.create(name="Alias AB").data.id

    contract = sdk.v1.contracts.create(
        customer_id=customer, package_id=package, starting_at="2026-03-01T00:00:00Z"
    ).data.id

    made = sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data
    card = sdk.v1.contracts.rate_cards.retrieve(id=made.rate_card_id).data
    assert card.name == "List prices EUR"


def test_packages_are_listed_ten_a_page_and_archived_ones_only_when_asked_for(sdk):
    before = len(list(sdk.v1.packages.list()))
    made = [sdk.v1.packages.create(name=f"Package {number}").data.id for number in range(11)]
    assert sdk.v1.packages.archive(package_id=made[0]).data.id == made[0]

    first = sdk.v1.packages.list(archive_filter="ALL")
    assert len(first.data) == 10
    assert len(list(sdk.v1.packages.list())) == before + 10
    assert [each.id for each in sdk.v1.packages.list(archive_filter="ARCHIVED")] == [made[0]]
    assert sdk.v1.packages.retrieve(package_id=made[0]).data.archived_at is not None
    with pytest.raises(APIStatusError) as again:
        sdk.v1.packages.archive(package_id=made[0])
    assert (again.value.status_code, again.value.body) == (422, {"message": "Package is already archived"})


def test_a_used_uniqueness_key_makes_no_second_package(sdk):
    sdk.v1.packages.create(name="One", uniqueness_key="one")

    with pytest.raises(ConflictError, match="This uniqueness key has already been used"):
        sdk.v1.packages.create(name="Two", uniqueness_key="one")

    assert "Two" not in [each.name for each in sdk.v1.packages.list()]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "name must not be empty"),
        ({"billing_provider": "stripe"}, "billing_provider and delivery_method go together"),
        ({"rate_card_alias": "list-usd"}, "rate_card_id and rate_card_alias can't be combined"),
        ({"duration": {"value": 0, "unit": "DAYS"}}, "duration.value must be 1 to 36500 DAYS"),
        ({"duration": {"value": 101, "unit": "YEARS"}}, "duration.value must be 1 to 100 YEARS"),
        ({"commits": []}, "commit start was not found"),
        ({"subscriptions": []}, "subscription seats was not found"),
        ({"net_payment_terms_days": -1}, "net_payment_terms_days must not be negative"),
        ({"aliases": [{"name": ""}]}, "aliases.name must not be empty"),
    ],
)
def test_an_impossible_package_is_refused_and_nothing_is_made(sdk, simulator, names, change, words):
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.packages.create(**{**terms(names), **change, "uniqueness_key": "k"})

    assert words in refused.value.body["message"]
    assert simulator.ledger() == []
    sdk.v1.packages.create(name="Possible", uniqueness_key="k")


def test_terms_that_could_make_no_contract_are_refused(sdk, names):
    given = terms(names)
    given["subscriptions"][0]["subscription_rate"]["billing_frequency"] = "WEEKLY"

    with pytest.raises(BadRequestError, match="No such product in rate card"):
        sdk.v1.packages.create(**given)


def test_unknown_packages_are_not_found_and_on_their_contracts_a_400(sdk):
    with pytest.raises(NotFoundError):
        sdk.v1.packages.retrieve(package_id=NOBODY)
    with pytest.raises(NotFoundError):
        sdk.v1.packages.archive(package_id=NOBODY)
    with pytest.raises(NotFoundError):
        sdk.v1.packages.create(name="No card", rate_card_id=NOBODY)
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.packages.list_contracts_on_package(package_id=NOBODY)
    assert refused.value.body == {"code": "PackageNotFound", "message": "Package not found"}


def test_covering_date_and_starting_at_exclude_each_other(sdk):
    package = sdk.v1.packages.create(name="Empty").data.id

    with pytest.raises(BadRequestError, match="can't be combined"):
        sdk.v1.packages.list_contracts_on_package(
            package_id=package, covering_date="2026-01-01T00:00:00Z", starting_at="2026-01-01T00:00:00Z"
        )


def test_lists_and_archiving_of_packages_refuse_fields_that_they_do_not_know(simulator):
    for path in ("list", "archive"):
        answer = httpx.post(
            f"{simulator.url}/v1/packages/{path}",
            json={"package_id": NOBODY, "limit": 5},
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        assert answer.status_code == 400
        assert answer.json()["message"].startswith("Unknown field")
