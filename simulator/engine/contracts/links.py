"""What a contract is tied to: a rate card, a billing provider, a parent, the contract that it renews."""

from __future__ import annotations

from itertools import zip_longest

from simulator.agenda import due, plan
from simulator.checks import uuid_of
from simulator.engine.contracts import cards
from simulator.engine.prices.periods import of_contract
from simulator.http import ApiError
from simulator.world import Row, World

MARKETPLACES = ("aws_marketplace", "azure_marketplace", "gcp_marketplace")
MOST_PROVIDERS = 10


def rate_card_id(world: World, given: Row) -> str | None:
    """The rate card named by id, or by alias as of the contract's start. Raises ApiError 404 or 400."""
    wanted, alias = given.get("rate_card_id"), given.get("rate_card_alias")
    if wanted is not None and alias is not None:
        raise ApiError(400, "rate_card_id and rate_card_alias can't be combined")
    if alias is not None:
        card = cards.holder(world.rate_cards, alias, given["starting_at"])
        if card is None:
            raise ApiError(404, "The specified rate card was not found", code="NotFound")
        return card["id"]
    return None if wanted is None else cards.changeable(world, wanted)["id"]


def of_customer(world: World, customer_id: str, contract_id: str, name: str) -> Row:
    """A contract of the customer that isn't archived. Raises ApiError 400."""
    wanted = uuid_of(contract_id, name)
    for contract in world.contracts_of.get(customer_id, []):
        if contract["id"] == wanted and not contract["archived_at"]:
            return contract
    raise ApiError(400, f"{name} names no contract of the customer that is unarchived")


def provider(world: World, customer_id: str, given: Row) -> Row:
    """The customer's billing configuration named by id, or by provider and delivery method.

    Raises ApiError 400, also where several match.
    """
    wanted = given.get("billing_provider_configuration_id")
    if wanted is None and "billing_provider" not in given:
        raise ApiError(400, "billing_provider_configuration_id or billing_provider is required")
    if wanted is not None:
        wanted = uuid_of(wanted, "billing_provider_configuration_id")
    matching = [
        row
        for row in world.billing_configurations.get(customer_id, [])
        if not row["archived_at"]
        and (
            row["id"] == wanted
            if wanted
            else row["billing_provider"] == given["billing_provider"]
            and row["delivery_method"] == given.get("delivery_method", row["delivery_method"])
        )
    ]
    if not matching:
        raise ApiError(400, "The customer has no such billing provider configuration")
    if len(matching) > 1:
        raise ApiError(400, "Several billing provider configurations match: name one by its id")
    return {name: value for name, value in matching[0].items() if name not in ("tax_provider", "legacy")}


def bill_from_start(contract: Row, configuration: Row) -> None:
    """A new contract is billed through this configuration."""
    contract["customer_billing_provider_configuration"] = configuration
    contract["billing_provider_configuration_schedule"] = [
        {"billing_provider_configuration": configuration, "effective_at": contract["starting_at"]}
    ]


def bill_from(world: World, contract: Row, given: Row) -> str:
    """Edit's `add_billing_provider_configuration_update` on a draft. Returns when it takes effect.

    A marketplace can only be changed from the next period on, and not with threshold billing.
    """
    configuration = provider(world, contract["customer_id"], given["billing_provider_configuration"])
    start, end = of_contract(contract, max(world.stamp(), contract["starting_at"]))
    current = given["schedule"]["effective_at"] == "START_OF_CURRENT_PERIOD"
    before = contract.get("customer_billing_provider_configuration") or {}
    if {configuration["billing_provider"], before.get("billing_provider")} & set(MARKETPLACES):
        if before and current:
            raise ApiError(400, "A marketplace can only be changed at START_OF_NEXT_PERIOD")
        thresholds = ("spend_threshold_configuration", "prepaid_balance_threshold_configuration")
        if any((contract.get(name) or {}).get("is_enabled") for name in thresholds):
            raise ApiError(400, "A marketplace can't be used with threshold billing")
    at = start if current else end
    schedule = [
        dict(each)
        for each in contract.get("billing_provider_configuration_schedule") or []
        if each["effective_at"] < at
    ]
    if schedule:
        schedule[-1]["effective_until"] = at
    schedule.append({"billing_provider_configuration": configuration, "effective_at": at})
    if len(schedule) > MOST_PROVIDERS:
        raise ApiError(400, f"at most {MOST_PROVIDERS} billing provider changes can be scheduled")
    contract["billing_provider_configuration_schedule"] = schedule
    if current:
        contract["customer_billing_provider_configuration"] = configuration
    return at


def detach(world: World, contract: Row, configuration: Row) -> None:
    """A billing configuration was archived: the contract is no longer billed through it, nor will be."""
    now, kept = world.stamp(), []
    if (contract.get("customer_billing_provider_configuration") or {}).get("id") == configuration["id"]:
        contract["customer_billing_provider_configuration"] = None
    for each in contract.get("billing_provider_configuration_schedule") or []:
        own = each.get("billing_provider_configuration") or {}
        if own.get("id") != configuration["id"]:
            kept.append(dict(each))
        elif each["effective_at"] < now:
            archived = own | {"archived_at": configuration["archived_at"]}
            kept.append(each | {"billing_provider_configuration": archived})
            if each.get("effective_until", now) >= now:
                kept.append({"effective_at": now})
    for each, onward in zip_longest(kept, kept[1:]):
        each.pop("effective_until", None)
        if onward is not None:
            each["effective_until"] = onward["effective_at"]
    contract["billing_provider_configuration_schedule"] = kept


def plan_provider(world: World, contract: Row, at: str) -> None:
    """Put a change of the billing provider on the agenda."""
    plan(world, at, "contract.billing_provider", contract_id=contract["id"])


@due("contract.billing_provider")
def change_provider(world: World, *, contract_id: str) -> None:
    """A planned billing provider takes effect; one whose configuration was archived is no longer planned."""
    customer_id = world.customer_of_contract[contract_id]
    contract = next(each for each in world.contracts_of[customer_id] if each["id"] == contract_id)
    for each in contract.get("billing_provider_configuration_schedule") or []:
        if each["effective_at"] == world.stamp() and "billing_provider_configuration" in each:
            contract["customer_billing_provider_configuration"] = each["billing_provider_configuration"]


def hierarchy(world: World, given: Row) -> tuple[Row, Row | None]:
    """(what the contract shows of its place, its parent contract or None). Raises ApiError 400."""
    if "parent" not in given:
        if {"payer", "usage_statement_behavior"} & given.keys():
            raise ApiError(400, "payer and usage_statement_behavior require a parent")
        return {"children": [], **given}, None
    if "parent_behavior" in given:
        raise ApiError(400, "a contract can't be a parent and a child")
    parent_customer = uuid_of(given["parent"]["customer_id"], "parent.customer_id")
    parent = of_customer(world, parent_customer, given["parent"]["contract_id"], "parent.contract_id")
    if "parent" in (parent.get("hierarchy_configuration") or {}):
        raise ApiError(400, "a child contract can't be a parent")
    place = {"payer": "SELF", "usage_statement_behavior": "SEPARATE", **given}
    return place | {"parent": {"customer_id": parent_customer, "contract_id": parent["id"]}}, parent


def adopt(parent: Row, child: Row) -> None:
    """Tell a parent contract of its child."""
    place = parent.get("hierarchy_configuration") or {"children": []}
    one = {"customer_id": child["customer_id"], "contract_id": child["id"]}
    parent["hierarchy_configuration"] = place | {"children": [*place["children"], one]}


def renewed(world: World, customer_id: str, given: Row, starting_at: str) -> Row:
    """The contract that a transition renews. Raises ApiError 400."""
    old = of_customer(world, customer_id, given["from_contract_id"], "from_contract_id")
    if old["starting_at"] >= starting_at:
        raise ApiError(400, "A renewal must start after the contract that it renews")
    if any(each["from_contract_id"] == old["id"] for each in old["transitions"]):
        raise ApiError(400, "The contract has been renewed already")
    return old
