"""Products and rate cards, driven by the strict SDK, and the seeded catalogue."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from simulator.running import TOKEN, RunningSimulator
from simulator.tests.saying import message

NOBODY = "00000000-0000-4000-8000-000000000000"


def ends_of(simulator: RunningSimulator) -> list[tuple[str, str]]:
    """(resource type, action) of every effect."""
    return [(row["resource_type"], row["action"]) for row in simulator.ledger()]


@pytest.fixture
def fixed(sdk: Metronome) -> str:
    return sdk.v1.contracts.products.create(name="Support", type="FIXED", tags=["people"]).data.id


def test_a_fixed_product_is_shown_as_it_was_made(sdk, simulator, fixed):
    product = sdk.v1.contracts.products.retrieve(id=fixed).data

    assert (product.id, product.type, product.updates) == (fixed, "FIXED", [])
    assert product.current == product.initial
    assert (product.current.name, product.current.tags) == ("Support", ["people"])
    assert product.current.created_by == "API token"
    assert product.archived_at is None
    assert ends_of(simulator) == [("product", "create")]


def test_an_update_takes_effect_in_its_hour_and_not_before(sdk, simulator, fixed):
    products = sdk.v1.contracts.products
    products.update(product_id=fixed, starting_at="2020-01-01T00:00:00Z", name="Care")
    products.update(product_id=fixed, starting_at="2999-01-01T00:00:00Z", name="Later", tags=[])

    product = products.retrieve(id=fixed).data

    assert product.initial.name == "Support"
    assert (product.current.name, product.current.tags) == ("Care", ["people"])
    assert [each.name for each in product.updates] == ["Care", "Later"]
    assert ends_of(simulator) == [("product", "create"), ("product", "update"), ("product", "update")]


def test_an_update_off_the_hour_is_refused(sdk, simulator, fixed):
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.products.update(product_id=fixed, starting_at="2020-01-01T00:30:00Z", name="Care")

    assert message(refused) == "Product update effective at is required to be on an hour boundary"
    assert sdk.v1.contracts.products.retrieve(id=fixed).data.updates == []


def test_an_archived_product_is_listed_only_when_asked_for_and_never_changes_again(sdk, fixed):
    products = sdk.v1.contracts.products
    assert products.archive(product_id=fixed).data.id == fixed

    assert fixed not in [each.id for each in products.list()]
    assert [each.id for each in products.list(archive_filter="ARCHIVED")] == [fixed]
    assert fixed in [each.id for each in products.list(archive_filter="ALL", limit=2)]
    with pytest.raises(BadRequestError) as again:
        products.archive(product_id=fixed)
    with pytest.raises(BadRequestError) as updated:
        products.update(product_id=fixed, starting_at="2020-01-01T00:00:00Z", name="Care")
    assert message(again) == "Product is already archived"
    assert message(updated) == "Product is archived"


def test_where_the_switch_allows_it_a_second_archive_changes_nothing(sdk, simulator):
    calls: dict[str, Any] = {
        "product_id": (sdk.v1.contracts.products, {"name": "Gone", "type": "FIXED"}),
        "package_id": (sdk.v1.packages, {"name": "Gone"}),
        "id": (sdk.v1.contracts.rate_cards, {"name": "Gone"}),
    }
    simulator.control("POST", "switches", {"second_archive": "allow"})

    for name, (resource, given) in calls.items():
        made = resource.create(**given).data.id
        assert [resource.archive(**{name: made}).data.id for _twice in range(2)] == [made, made]

    assert [action for _kind, action in ends_of(simulator)] == ["create", "archive"] * 3


def test_a_value_of_a_unique_custom_field_belongs_to_one_product(sdk):
    sdk.v1.custom_fields.add_key(entity="contract_product", key="sku", enforce_uniqueness=True)
    products, fields = sdk.v1.contracts.products, {"sku": "A-1"}
    made = products.create(name="One", type="FIXED", custom_fields=fields).data.id

    with pytest.raises(ConflictError):
        products.create(name="Two", type="FIXED", custom_fields=fields)

    assert products.retrieve(id=made).data.custom_fields == fields
    assert "Two" not in [each.current.name for each in products.list()]


def test_a_composite_product_names_products_or_tags(sdk, fixed):
    products = sdk.v1.contracts.products
    made = products.create(
        name="Fee", type="COMPOSITE", composite_product_ids=[fixed], composite_tags=["people"]
    ).data.id

    assert products.retrieve(id=made).data.initial.composite_product_ids == [fixed]
    with pytest.raises(BadRequestError, match="composite_product_ids or composite_tags is required"):
        products.create(name="Fee", type="COMPOSITE")
    with pytest.raises(BadRequestError, match="unknown or archived product"):
        products.create(name="Fee", type="COMPOSITE", composite_product_ids=[NOBODY])


def test_a_professional_service_is_shown_by_its_short_name(sdk):
    made = sdk.v1.contracts.products.create(name="Onboarding", type="PROFESSIONAL_SERVICE").data.id

    assert sdk.v1.contracts.products.retrieve(id=made).data.type == "PRO_SERVICE"


def test_an_unknown_product_is_not_found(sdk):
    products = sdk.v1.contracts.products
    with pytest.raises(NotFoundError):
        products.retrieve(id=NOBODY)
    with pytest.raises(NotFoundError):
        products.update(product_id=NOBODY, starting_at="2020-01-01T00:00:00Z")
    with pytest.raises(NotFoundError):
        products.archive(product_id=NOBODY)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "USAGE"}, "billable_metric_id is required for USAGE products"),
        ({"type": "USAGE", "billable_metric_id": NOBODY}, "unknown or archived billable metric"),
        ({"type": "FIXED", "pricing_group_key": ["region"]}, "pricing_group_key is only valid for USAGE"),
        ({"type": "FIXED", "composite_tags": ["a"]}, "composite_tags is only valid for COMPOSITE"),
        ({"type": "FIXED", "name": ""}, "name must not be empty"),
        ({"type": "FIXED", "custom_fields": {"nope": "1"}}, "Invalid custom field keys"),
    ],
)
def test_an_impossible_product_is_refused_and_nothing_is_made(sdk, simulator, given, words):
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.products.create(**{"name": "Broken", **given})

    assert words in message(refused)
    assert simulator.ledger() == []


def test_the_product_list_refuses_a_field_that_it_does_not_know(simulator):
    answer = httpx.post(
        f"{simulator.url}/v1/contract-pricing/products/list",
        json={"limit": 5},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )

    assert (answer.status_code, answer.json()) == (400, {"message": "Unknown field limit"})


def test_a_rate_card_is_shown_as_made_and_changed(sdk, simulator):
    cards, credits = sdk.v1.contracts.rate_cards, sdk.v1.pricing_units.create(name="AI credits").data.id
    made = cards.create(
        name="List",
        description="2026",
        aliases=[{"name": "list"}],
        credit_type_conversions=[{"custom_credit_type_id": credits, "fiat_per_custom_credit": 0.0000025}],
    ).data.id

    card = cards.retrieve(id=made).data
    assert (card.name, card.description, card.created_by) == ("List", "2026", "API token")
    assert card.fiat_credit_type.name == "USD (cents)"
    assert [each.fiat_per_custom_credit for each in card.credit_type_conversions] == ["0.0000025"]
    assert [each.name for each in card.aliases] == ["list"]

    cards.update(
        rate_card_id=made, name="List 2", aliases=[{"name": "l2", "starting_at": "2026-01-01T00:00:00Z"}]
    )
    changed = cards.retrieve(id=made).data
    assert (changed.name, changed.description) == ("List 2", "2026")
    assert [each.name for each in changed.aliases] == ["l2"]
    assert ends_of(simulator)[1:] == [("rate_card", "create"), ("rate_card", "update")]


def test_an_archived_rate_card_is_not_listed_and_not_changed(sdk):
    cards = sdk.v1.contracts.rate_cards
    made = cards.create(name="Old").data.id
    assert made in [each.id for each in cards.list(body={}, limit=1)]

    assert cards.archive(id=made).data.id == made

    assert made not in [each.id for each in cards.list(body={})]
    assert cards.retrieve(id=made).data.name == "Old"
    with pytest.raises(BadRequestError, match="already archived"):
        cards.archive(id=made)
    with pytest.raises(BadRequestError, match="Rate card is archived"):
        cards.update(rate_card_id=made, name="New")


def test_a_conversion_that_exists_is_not_modified(sdk):
    cards, credits = sdk.v1.contracts.rate_cards, sdk.v1.pricing_units.create(name="AI credits").data.id
    conversion = {"custom_credit_type_id": credits, "fiat_per_custom_credit": 2}
    made = cards.create(name="List", credit_type_conversions=[conversion]).data.id

    with pytest.raises(BadRequestError, match="can't be modified"):
        cards.update(rate_card_id=made, name="Changed", add_credit_type_conversions=[conversion])

    assert cards.retrieve(id=made).data.name == "List"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": ""}, "name must not be empty"),
        ({"fiat_credit_type_id": NOBODY}, "fiat_credit_type_id must be the id of a fiat currency"),
        (
            {"credit_type_conversions": [{"custom_credit_type_id": NOBODY, "fiat_per_custom_credit": 1}]},
            "custom_credit_type_id must be the id of a custom pricing unit",
        ),
        (
            {
                "aliases": [
                    {
                        "name": "a",
                        "starting_at": "2026-01-01T00:00:00Z",
                        "ending_before": "2025-01-01T00:00:00Z",
                    }
                ]
            },
            "aliases.ending_before must be after its start",
        ),
        ({"aliases": [{"name": ""}]}, "aliases.name must not be empty"),
        ({"custom_fields": {"nope": "1"}}, "Invalid custom field keys"),
    ],
)
def test_an_impossible_rate_card_is_refused_and_nothing_is_made(sdk, simulator, given, words):
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.rate_cards.create(**{"name": "Broken", **given})

    assert words in message(refused)
    assert simulator.ledger() == []


def test_an_unknown_rate_card_is_not_found(sdk):
    cards = sdk.v1.contracts.rate_cards
    for call in (
        lambda: cards.retrieve(id=NOBODY),
        lambda: cards.archive(id=NOBODY),
        lambda: cards.update(rate_card_id=NOBODY),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_a_seeded_account_has_a_catalogue_that_its_contracts_use(sdk, simulator):
    cards = {card.id: card for card in sdk.v1.contracts.rate_cards.list(body={})}
    contracts = simulator.control("GET", "snapshot")["main"]["contracts_of"].values()

    assert {card.name for card in cards.values()} == {
        f"List prices {code}" for code in ("USD", "EUR", "GBP", "JPY")
    }
    assert {contract["rate_card_id"] for (contract,) in contracts} <= cards.keys()
    for card_id in cards:
        rates = list(sdk.v1.contracts.rate_cards.rates.list(rate_card_id=card_id, at="2026-01-01T00:00:00Z"))
        assert [rate.product_name for rate in rates][:4] == [
            "Platform fee",
            "Platform fee",
            "Seats",
            "API requests",
        ]
        assert len(rates) == 10
    assert len(list(sdk.v1.contracts.products.list())) == 11
    assert len(list(sdk.v1.billable_metrics.list())) == 4
    assert len(list(sdk.v1.pricing_units.list())) == 5
