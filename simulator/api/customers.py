"""Customers: reference §3.1."""

from __future__ import annotations

from typing import Any

from metronome.types.v1.customer_archive_params import CustomerArchiveParams
from metronome.types.v1.customer_create_params import CustomerCreateParams
from metronome.types.v1.customer_list_params import CustomerListParams
from metronome.types.v1.customer_set_ingest_aliases_params import CustomerSetIngestAliasesParams
from metronome.types.v1.customer_set_name_params import CustomerSetNameParams
from metronome.types.v1.customer_update_config_params import CustomerUpdateConfigParams

from simulator import fields
from simulator.checks import aliases_of, shortened, uuid_of
from simulator.engine.contracts import billing, contracts, customer_plans
from simulator.engine.invoices import invoicing
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World


def brief(customer: Row) -> Row:
    """The short form that create and setName answer."""
    return {key: customer[key] for key in ("id", "name", "external_id", "ingest_aliases", "custom_fields")}


def found(world: World, customer_id: Any, name: str = "customer_id") -> Row:
    """The customer, archived or not. Raises ApiError 404."""
    customer = world.customers.get(uuid_of(customer_id, name))
    if customer is None:
        raise ApiError(404, "The specified customer was not found", code="NotFound")
    return customer


def changeable(world: World, customer_id: Any) -> Row:
    """The customer for a write. Raises ApiError 404, and by switch 400 for an archived one."""
    customer = found(world, customer_id)
    if customer["archived_at"] and world.switches["archived_customers"] == "refuse":
        raise ApiError(400, "Customer is archived")
    return customer


def known_to_v2(world: World, given_id: Any) -> str:
    """The customer's id. Raises ApiError 400 with a code, or by switch 404, for one that there isn't."""
    customer_id = uuid_of(given_id, "customer_id")
    if customer_id not in world.customers:
        status = 400 if world.switches["unknown_customers"] == "refuse" else 404
        raise ApiError(status, "Customer not found", code="CustomerNotFound")
    return customer_id


def _refuse_empty(world: World, name: str) -> None:
    if not name and world.switches["empty_names"] == "refuse":
        raise ApiError(400, "name must not be empty")


def refuse_held(world: World, aliases: list[str], own_id: str | None) -> None:
    """409 when another customer, active or archived, holds one of them."""
    if any(world.alias_holder.get(alias, own_id) != own_id for alias in aliases):
        raise ApiError(409, "Ingest alias is already in use by another customer", executed=True)


@route("POST /v1/customers", CustomerCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    given = request.given
    aliases = aliases_of(given.get("ingest_aliases", []))
    if external_id := given.get("external_id"):
        aliases = list(dict.fromkeys([external_id, *aliases]))
    custom = given.get("custom_fields", {})
    fields.check(world, "customer", custom)
    _refuse_empty(world, given["name"])
    configurations = billing.checked_for_new_customer(world, given)
    refuse_held(world, aliases, None)
    refuse_over_trial(world)
    customer = add(world, given["name"], aliases, custom)
    billing.put(world, customer["id"], configurations)
    world.happened(request, resource=("customer", customer["id"]), action="create", after=customer)
    return Reply(200, {"data": brief(customer)})


def refuse_over_trial(world: World) -> None:
    """404 when a trial account (switch `trial_limit`) has as many active customers as it may."""
    most = world.trial_limit
    if most and sum(not each["archived_at"] for each in world.customers.values()) >= most:
        raise ApiError(
            404, f"Trial accounts are limited to {most} active customers", code="NotFound", executed=True
        )


def add(
    world: World, name: str, aliases: list[str], custom: dict[str, str], created_at: str = ""
) -> dict[str, Any]:
    """Put a new customer into the world."""
    created_at = created_at or world.stamp()
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


@route("GET /v1/customers/{customer_id}")
def retrieve(world: World, request: Request) -> Reply:
    return Reply(200, {"data": found(world, request.ids["customer_id"])})


@route("GET /v1/customers", CustomerListParams)
def list_customers(world: World, request: Request) -> Reply:
    """`only_archived` replaces the set, it does not add."""
    given = request.given
    archived, alias = given.get("only_archived", False), given.get("ingest_alias")
    ids, accounts = given.get("customer_ids"), given.get("salesforce_account_ids")
    for chosen in (ids, accounts):
        if chosen and len(chosen) > 100:
            raise ApiError(400, "at most 100 ids may be given")
    rows: list[str] = world.customer_order
    if alias is not None:
        rows = [world.alias_holder[alias]] if alias in world.alias_holder else []
    if ids:
        wanted = {uuid_of(each, "customer_ids") for each in ids}
        rows = sorted(wanted & (set(rows) if alias is not None else world.customers.keys()))

    def keep(customer_id: str) -> bool:
        customer = world.customers[customer_id]
        return bool(customer["archived_at"]) == archived and (
            not accounts or customer["customer_config"]["salesforce_account_id"] in accounts
        )

    return Reply(200, query_page(request, rows, keep=keep, show=world.customers.__getitem__))


@route("POST /v1/customers/{customer_id}/setName", CustomerSetNameParams, writes=True)
def set_name(world: World, request: Request) -> Reply:
    customer = changeable(world, request.ids["customer_id"])
    _refuse_empty(world, request.given["name"])
    before = brief(customer)
    customer["name"] = shortened(request.given["name"])
    customer["updated_at"] = world.stamp()
    world.happened(
        request,
        resource=("customer", customer["id"]),
        action="change_name",
        before=before,
        after=brief(customer),
    )
    return Reply(200, {"data": brief(customer)})


@route("POST /v1/customers/{customer_id}/setIngestAliases", CustomerSetIngestAliasesParams, writes=True)
def set_ingest_aliases(world: World, request: Request) -> Reply:
    """Replaces the whole set; the answer is empty.

    Whether a held alias is refused or moved is not documented: switch `held_alias`, refuse or move.
    """
    customer = changeable(world, request.ids["customer_id"])
    aliases = aliases_of(request.given["ingest_aliases"])
    if world.switches["held_alias"] == "refuse":
        refuse_held(world, aliases, customer["id"])
    before = brief(customer)
    for alias in aliases:
        holder = world.customers.get(world.alias_holder.get(alias, ""))
        if holder is not None and holder is not customer:
            put_aliases(world, holder, [kept for kept in holder["ingest_aliases"] if kept != alias])
    put_aliases(world, customer, aliases)
    customer["updated_at"] = world.stamp()
    world.happened(
        request,
        resource=("customer", customer["id"]),
        action="set_ingest_aliases",
        before=before,
        after=brief(customer),
    )
    return Reply(200)


def put_aliases(world: World, customer: Row, aliases: list[str]) -> None:
    """Give the customer exactly these aliases; external_id follows the first."""
    for alias in customer["ingest_aliases"]:
        if world.alias_holder.get(alias) == customer["id"]:
            del world.alias_holder[alias]
    customer["ingest_aliases"] = aliases
    customer["external_id"] = aliases[0] if aliases else customer["id"]
    for alias in aliases:
        world.alias_holder[alias] = customer["id"]


@route("POST /v1/customers/archive", CustomerArchiveParams, writes=True)
def archive(world: World, request: Request) -> Reply:
    """Ends its contracts, voids its invoices, keeps its aliases. Final.

    What becomes of its plans is not documented: switch `archived_plans`, keep or end.
    """
    customer = found(world, request.given["id"], "id")
    if customer["archived_at"]:
        if world.switches["second_archive"] == "refuse":
            raise ApiError(400, "Customer is already archived", executed=True)
        return Reply(200, {"data": {"id": customer["id"]}})
    before = brief(customer) | {"archived_at": None}
    now = world.stamp()
    customer["archived_at"] = customer["updated_at"] = now
    for contract in world.contracts_of.get(customer["id"], []):
        if not contract["archived_at"]:
            contracts.archive(world, contract, void_invoices=True)
    for invoice in world.invoices_of.get(customer["id"], []):
        if invoice["status"] != "VOID":
            invoicing.void(world, invoice)
    if world.switches["archived_plans"] == "end":
        customer_plans.end_all(world, customer["id"])
    world.happened(
        request,
        resource=("customer", customer["id"]),
        action="archive",
        before=before,
        after=brief(customer) | {"archived_at": now},
    )
    return Reply(200, {"data": {"id": customer["id"]}})


@route("POST /v1/customers/{customer_id}/updateConfig", CustomerUpdateConfigParams, writes=True)
def update_config(world: World, request: Request) -> Reply:
    """Empty answer. A field that is left out stays."""
    customer = found(world, request.ids["customer_id"])
    before = dict(customer["customer_config"])
    if "salesforce_account_id" in request.given:
        customer["customer_config"] = {"salesforce_account_id": request.given["salesforce_account_id"]}
    world.happened(
        request,
        resource=("customer", customer["id"]),
        action="update_config",
        before=before,
        after=dict(customer["customer_config"]),
    )
    return Reply(200)
