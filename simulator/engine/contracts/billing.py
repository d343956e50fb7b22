"""Billing configurations of a customer: what one must have, and how a customer gets it."""

from __future__ import annotations

from simulator.http import ApiError
from simulator.world import Row, World

COLLECTION_METHODS = ("charge_automatically", "send_invoice")
NEEDED = {
    "stripe": ("stripe_customer_id",),
    "aws_marketplace": ("aws_customer_id", "aws_product_code", "aws_region"),
    "azure_marketplace": ("azure_subscription_id",),
    "gcp_marketplace": ("gcp_entitlement_id", "gcp_service_name"),
    "netsuite": ("netsuite_customer_id",),
}


def checked(world: World, given: Row) -> Row:
    """One configuration of a customer, whole and possible. Raises ApiError 400."""
    provider, wanted = given["billing_provider"], given.get("delivery_method_id")
    if wanted is None and "delivery_method" not in given:
        raise ApiError(400, "delivery_method or delivery_method_id is required")
    methods = [
        row
        for row in world.billing_providers
        if row["billing_provider"] == provider
        and (
            row["delivery_method_id"] == wanted
            if wanted
            else row["delivery_method"] == given["delivery_method"]
        )
    ]
    if not methods:
        raise ApiError(400, f"No delivery method of {provider} matches")
    if len(methods) > 1:
        raise ApiError(400, f"{provider} has several delivery methods: delivery_method_id is required")
    configuration = given.get("configuration", {})
    for name in NEEDED.get(provider, ()):
        if not isinstance(configuration.get(name), str) or not configuration[name]:
            raise ApiError(400, f"configuration.{name} is required for {provider}")
    method = configuration.get("stripe_collection_method", COLLECTION_METHODS[0])
    if provider == "stripe" and method not in COLLECTION_METHODS:
        raise ApiError(400, f"stripe_collection_method must be one of {', '.join(COLLECTION_METHODS)}")
    if given.get("tax_provider") and provider != "stripe":
        raise ApiError(400, "tax_provider is only supported for stripe")
    return {
        "billing_provider": provider,
        "configuration": configuration,
        "delivery_method": methods[0]["delivery_method"],
        "delivery_method_id": methods[0]["delivery_method_id"],
        "delivery_method_configuration": methods[0]["delivery_method_configuration"],
        "tax_provider": given.get("tax_provider"),
        "archived_at": None,
    }


def checked_for_new_customer(world: World, given: Row) -> list[Row]:
    """The configurations that a customer is created with, the legacy form included."""
    rows = [checked(world, each) for each in given.get("customer_billing_provider_configurations", [])]
    if legacy := given.get("billing_config"):
        rows.append(legacy | {"legacy": True})
    return rows


def put(world: World, customer_id: str, rows: list[Row]) -> list[Row]:
    """Give a customer these configurations."""
    made = []
    for row in rows:
        if row.get("legacy"):
            name = f"{customer_id}/{row['billing_provider_type']}"
            world.legacy_billing[name] = {key: value for key, value in row.items() if key != "legacy"}
            continue
        made.append({"id": world.new_id(), "customer_id": customer_id, **row})
    world.billing_configurations.setdefault(customer_id, []).extend(made)
    return made
