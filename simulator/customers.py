"""Customers: reference §3.1."""

from __future__ import annotations

from typing import Any

from simulator.checks import aliases_of, rfc3339, shortened, text_of, texts_of, uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.paging import commas, query_page
from simulator.world import World


def brief(customer: dict[str, Any]) -> dict[str, Any]:
    """The short form that create and setName answer."""
    return {key: customer[key] for key in ("id", "name", "external_id", "ingest_aliases", "custom_fields")}


def found(world: World, customer_id: Any, name: str = "customer_id") -> dict[str, Any]:
    """The customer, or 404."""
    customer = world.customers.get(uuid_of(customer_id, name))
    if customer is None:
        raise ApiError(404, "The specified customer was not found", code="NotFound")
    return customer


def check_custom_fields(world: World, entity: str, fields: dict[str, str]) -> None:
    """Keys must exist first; values are at most 200 characters."""
    known = {row["key"] for row in world.custom_field_keys if row["entity"] == entity}
    if set(fields) - known:
        raise ApiError(400, "Invalid custom field keys")
    if any(len(value) > 200 for value in fields.values()):
        raise ApiError(400, "custom field values must be at most 200 characters")


def refuse_held(world: World, aliases: list[str], own_id: str | None) -> None:
    """409 when another customer, active or archived, holds one of them."""
    if any(world.alias_holder.get(alias, own_id) != own_id for alias in aliases):
        raise ApiError(409, "Ingest alias is already in use by another customer", executed=True)


def create(world: World, request: Request) -> Reply:
    """POST /v1/customers"""
    fields = request.fields()
    name, aliases = text_of(fields, "name"), aliases_of(fields, required=False)
    external_id = text_of(fields, "external_id", most=128, required=False)
    if external_id:
        aliases = list(dict.fromkeys([external_id, *aliases]))
    custom = texts_of(fields, "custom_fields")
    check_custom_fields(world, "customer", custom)
    refuse_held(world, aliases, None)
    customer = add(world, name, aliases, custom)
    world.happened(
        request,
        route="POST /v1/customers",
        resource=("customer", customer["id"]),
        action="create",
        before=None,
        after=customer,
    )
    return Reply(200, {"data": brief(customer)})


def add(
    world: World, name: str, aliases: list[str], custom: dict[str, str], created_at: str = ""
) -> dict[str, Any]:
    """Put a new customer into the world."""
    created_at = created_at or rfc3339(world.now())
    customer = {
        "id": world.new_id(),
        "name": shortened(name),
        "external_id": aliases[0] if aliases else "",
        "ingest_aliases": aliases,
        "custom_fields": dict(custom),
        "customer_config": {"salesforce_account_id": None},
        "created_at": created_at,
        "updated_at": created_at,
        "archived_at": None,
    }
    customer["external_id"] = customer["external_id"] or customer["id"]
    world.customers[customer["id"]] = customer
    world.customer_order.append(customer["id"])
    for alias in aliases:
        world.alias_holder[alias] = customer["id"]
    return customer


def retrieve(world: World, request: Request) -> Reply:
    """GET /v1/customers/{customer_id}"""
    return Reply(200, {"data": found(world, request.ids["customer_id"])})


def list_customers(world: World, request: Request) -> Reply:
    """GET /v1/customers: `only_archived` replaces the set, it does not add."""
    archived = request.query.get("only_archived", "false").lower() == "true"
    ids, alias = commas(request, "customer_ids"), request.query.get("ingest_alias")
    accounts = commas(request, "salesforce_account_ids")
    for chosen in (ids, accounts):
        if chosen and len(chosen) > 100:
            raise ApiError(400, "at most 100 ids may be given")
    rows: list[str] = world.customer_order
    if alias is not None:
        rows = [world.alias_holder[alias]] if alias in world.alias_holder else []
    if ids:
        wanted = {uuid_of(each, "customer_ids") for each in ids}
        rows = [
            each
            for each in (rows if alias is not None else wanted)
            if each in wanted and each in world.customers
        ]
        rows.sort()

    def keep(customer_id: str) -> bool:
        customer = world.customers[customer_id]
        return bool(customer["archived_at"]) == archived and (
            not accounts or customer["customer_config"]["salesforce_account_id"] in accounts
        )

    return Reply(200, query_page(request, rows, keep=keep, show=world.customers.__getitem__))


def set_name(world: World, request: Request) -> Reply:
    """POST /v1/customers/{customer_id}/setName"""
    customer = found(world, request.ids["customer_id"])
    name = text_of(request.fields(), "name")
    before = brief(customer)
    customer["name"] = shortened(name)
    customer["updated_at"] = rfc3339(world.now())
    world.happened(
        request,
        route="POST /v1/customers/{customer_id}/setName",
        resource=("customer", customer["id"]),
        action="change_name",
        before=before,
        after=brief(customer),
    )
    return Reply(200, {"data": brief(customer)})


def set_ingest_aliases(world: World, request: Request) -> Reply:
    """POST /v1/customers/{customer_id}/setIngestAliases: replaces the whole set; the answer is empty.

    Whether a held alias is refused or moved is not documented: switch `held_alias`, refuse or move.
    """
    customer = found(world, request.ids["customer_id"])
    aliases = aliases_of(request.fields(), required=True)
    if world.switches["held_alias"] == "refuse":
        refuse_held(world, aliases, customer["id"])
    before = brief(customer)
    for alias in aliases:
        holder = world.customers.get(world.alias_holder.get(alias, ""))
        if holder is not None and holder is not customer:
            put_aliases(world, holder, [kept for kept in holder["ingest_aliases"] if kept != alias])
    put_aliases(world, customer, aliases)
    customer["updated_at"] = rfc3339(world.now())
    world.happened(
        request,
        route="POST /v1/customers/{customer_id}/setIngestAliases",
        resource=("customer", customer["id"]),
        action="set_ingest_aliases",
        before=before,
        after=brief(customer),
    )
    return Reply(200)


def put_aliases(world: World, customer: dict[str, Any], aliases: list[str]) -> None:
    """Give the customer exactly these aliases; external_id follows the first."""
    for alias in customer["ingest_aliases"]:
        if world.alias_holder.get(alias) == customer["id"]:
            del world.alias_holder[alias]
    customer["ingest_aliases"] = aliases
    customer["external_id"] = aliases[0] if aliases else customer["id"]
    for alias in aliases:
        world.alias_holder[alias] = customer["id"]


def archive(world: World, request: Request) -> Reply:
    """POST /v1/customers/archive: ends its contracts, voids its invoices, keeps its aliases. Final."""
    customer = found(world, request.fields().get("id"), "id")
    if customer["archived_at"]:
        if world.switches["second_archive"] == "refuse":
            raise ApiError(400, "Customer is already archived", executed=True)
        return Reply(200, {"data": {"id": customer["id"]}})
    before = brief(customer) | {"archived_at": None}
    now = rfc3339(world.now())
    customer["archived_at"] = customer["updated_at"] = now
    for contract in world.contracts.get(customer["id"], []):
        contract["archived_at"] = contract["archived_at"] or now
    for invoice in world.invoices.get(customer["id"], []):
        invoice["status"] = "VOID"
    world.happened(
        request,
        route="POST /v1/customers/archive",
        resource=("customer", customer["id"]),
        action="archive",
        before=before,
        after=brief(customer) | {"archived_at": now},
    )
    return Reply(200, {"data": {"id": customer["id"]}})


def update_config(world: World, request: Request) -> Reply:
    """POST /v1/customers/{customer_id}/updateConfig: empty answer."""
    customer, fields = found(world, request.ids["customer_id"]), request.fields()
    before = dict(customer["customer_config"])
    if "salesforce_account_id" in fields:
        account = fields["salesforce_account_id"]
        if account is not None and not isinstance(account, str):
            raise ApiError(400, "salesforce_account_id must be a string or null")
        customer["customer_config"] = {"salesforce_account_id": account}
    world.happened(
        request,
        route="POST /v1/customers/{customer_id}/updateConfig",
        resource=("customer", customer["id"]),
        action="update_config",
        before=before,
        after=dict(customer["customer_config"]),
    )
    return Reply(200)
