"""Credit grants of customers on plans (Metronome 1.0): reference §3.6."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from metronome.types.v1.credit_grant_create_params import CreditGrantCreateParams
from metronome.types.v1.credit_grant_edit_params import CreditGrantEditParams
from metronome.types.v1.credit_grant_list_entries_params import CreditGrantListEntriesParams
from metronome.types.v1.credit_grant_list_params import CreditGrantListParams
from metronome.types.v1.credit_grant_void_params import CreditGrantVoidParams

from simulator import fields
from simulator.amounts import exact, plain
from simulator.api import customers
from simulator.checks import in_order, uuid_of
from simulator.engine.balances import grants
from simulator.engine.invoices import invoicing
from simulator.engine.prices import periods
from simulator.engine.prices.schedules import credit_type
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

OPTIONAL = ("reason", "credit_grant_type", "invoice_id", "uniqueness_key")


def found(world: World, grant_id: Any) -> Row:
    """A grant that isn't void. Raises ApiError 400, as the documents list no 404 for it."""
    grant = world.credit_grants.get(uuid_of(grant_id, "id"))
    if grant is None:
        raise ApiError(400, "The specified credit grant was not found")
    if grant["voided_at"]:
        raise ApiError(400, "The credit grant is void")
    return grant


@route("POST /v1/credits/createGrant", CreditGrantCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    given = request.given
    customer = customers.found(world, given["customer_id"])
    effective_at = given.get("effective_at", world.stamp())
    in_order(effective_at, given["expires_at"], "expires_at")
    custom = given.get("custom_fields", {})
    fields.check(world, "credit_grant", custom)
    grant = {
        "id": world.new_id(),
        "customer_id": customer["id"],
        "name": given["name"],
        "grant_amount": _amount(world, given["grant_amount"], "grant_amount"),
        "paid_amount": _amount(world, given["paid_amount"], "paid_amount"),
        "effective_at": effective_at,
        "expires_at": given["expires_at"],
        "priority": given["priority"],
        "products": [_product(world, each) for each in given.get("product_ids", [])],
        "reason": given.get("reason"),
        "credit_grant_type": given.get("credit_grant_type"),
        "uniqueness_key": given.get("uniqueness_key"),
        "custom_fields": custom,
        "rollover_settings": _rollover(given),
        "rolled_over": False,
        "invoice_date": given.get("invoice_date"),
        "invoice_id": None,
        "created_by": request.token.name,
        "voided_at": None,
        "entries": [],
    }
    grants.store(world, grant)
    world.happened(
        request, resource=("credit_grant", grant["id"]), action="create", after=_shown(world, grant)
    )
    return Reply(200, {"data": {"id": grant["id"]}})


def _amount(world: World, given: Row, name: str) -> Row:
    if given["amount"] < 0:
        raise ApiError(400, f"{name}.amount must not be negative")
    return {"amount": plain(given["amount"]), "credit_type": credit_type(world, given["credit_type_id"])}


def _product(world: World, given: Any) -> Row:
    """A product of a plan's charge, or one of the catalogue."""
    product_id = uuid_of(given, "product_ids")
    if product_id in world.products:
        return {"id": product_id, "name": world.products[product_id]["current"]["name"]}
    for plan in world.plans.values():
        for charge in plan["charges"]:
            if charge["product_id"] == product_id:
                return {"id": product_id, "name": charge["product_name"]}
    raise ApiError(400, "product_ids holds an unknown product")


def _rollover(given: Row) -> Row | None:
    settings = given.get("rollover_settings")
    if settings is None:
        return None
    in_order(given["expires_at"], settings["expires_at"], "rollover_settings.expires_at")
    value, kind = settings["rollover_amount"]["value"], settings["rollover_amount"]["type"]
    if value < 0 or (kind == "MAX_PERCENTAGE" and value > 1):
        raise ApiError(400, "rollover_amount.value must not be negative, nor above 1 as a percentage")
    return settings


@route("POST /v1/credits/editGrant", CreditGrantEditParams, writes=True)
def edit(world: World, request: Request) -> Reply:
    """Its name, its type and its expiry; a grant that has rolled over keeps its expiry."""
    given, grant = request.given, found(world, request.given["id"])
    if "expires_at" in given:
        in_order(grant["effective_at"], given["expires_at"], "expires_at")
        if grant["rolled_over"]:
            raise ApiError(400, "The credit grant has expired and rolled over")
    before = _shown(world, grant)
    changed = {name: given[name] for name in ("name", "credit_grant_type", "expires_at") if name in given}
    grants.update(world, grant, changed)
    world.happened(
        request,
        resource=("credit_grant", grant["id"]),
        action="edit",
        before=before,
        after=_shown(world, grant),
    )
    return Reply(200, {"data": {"id": grant["id"]}})


@route("POST /v1/credits/voidGrant", CreditGrantVoidParams, writes=True)
def void(world: World, request: Request) -> Reply:
    """It vanishes from every list; its uniqueness key and its invoice only where asked."""
    given, grant = request.given, found(world, request.given["id"])
    before = _shown(world, grant)
    grant["voided_at"] = world.stamp()
    if given.get("release_uniqueness_key") and grant["uniqueness_key"]:
        del world.uniqueness_keys["credit_grant"][grant["uniqueness_key"]]
        grant["uniqueness_key"] = None
    if given.get("void_credit_purchase_invoice"):
        for invoice in world.invoices_of.get(grant["customer_id"], []):
            if invoice["id"] == grant["invoice_id"] and invoice["status"] != "VOID":
                invoicing.void(world, invoice)
    world.happened(
        request,
        resource=("credit_grant", grant["id"]),
        action="void",
        before=before,
        after={"id": grant["id"], "voided_at": grant["voided_at"]},
    )
    return Reply(200, {"data": {"id": grant["id"]}})


@route("POST /v1/credits/listGrants", CreditGrantListParams)
def list_grants(world: World, request: Request) -> Reply:
    given = request.given
    ids, wanted_customers = _ids(given, "credit_grant_ids"), _ids(given, "customer_ids")
    units = _ids(given, "credit_type_ids")
    if ids is not None and (wanted_customers is not None or units is not None):
        raise ApiError(400, "credit_grant_ids can't be combined with customer_ids or credit_type_ids")

    def keep(grant: Row) -> bool:
        return (
            not grant["voided_at"]
            and (ids is None or grant["id"] in ids)
            and (wanted_customers is None or grant["customer_id"] in wanted_customers)
            and (units is None or grant["grant_amount"]["credit_type"]["id"] in units)
            and grant["effective_at"] < given.get("effective_before", "9")
            and grant["expires_at"] >= given.get("not_expiring_before", "")
        )

    rows = list(world.credit_grants.values())
    return Reply(200, query_page(request, rows, keep=keep, show=lambda grant: _shown(world, grant)))


def _ids(given: Row, name: str) -> set[str] | None:
    return {uuid_of(each, name) for each in given[name]} if name in given else None


def _shown(world: World, grant: Row) -> Row:
    """The API's form: the balance counts as of the end of the customer's billing period."""
    now = world.stamp()
    period = periods.current(world, grant["customer_id"])
    until = period[1] if period else now
    taken, in_time = grants.deductions(grant, now), grants.deductions(grant, until)
    amount = exact(grant["grant_amount"]["amount"])
    in_force = grants.running(taken, amount)
    pending = grants.running(in_time, amount)[len(taken) :]
    after = [row[-1]["running_balance"] if row else None for row in (in_force, pending)]
    excluding = plain(amount) if after[0] is None else after[0]
    shown = {
        name: grant[name]
        for name in (
            "id",
            "name",
            "customer_id",
            "effective_at",
            "expires_at",
            "priority",
            "grant_amount",
            "paid_amount",
            "custom_fields",
        )
    }
    shown |= {name: grant[name] for name in OPTIONAL if grant[name] is not None}
    if grant["products"]:
        shown["products"] = grant["products"]
    return shown | {
        "deductions": in_force,
        "pending_deductions": pending,
        "balance": {
            "effective_at": until,
            "excluding_pending": excluding,
            "including_pending": excluding if after[1] is None else after[1],
        },
    }


@route("POST /v1/credits/listEntries", CreditGrantListEntriesParams)
def list_entries(world: World, request: Request) -> Reply:
    """A ledger for each customer and currency; of everybody who has a grant where no customer is named."""
    given, sort = request.given, request.query.get("sort", "asc").lower()
    if sort not in ("asc", "desc"):
        raise ApiError(400, "sort must be one of asc, desc")
    if given.get("ending_before", "") > world.stamp():
        raise ApiError(400, "ending_before must not be in the future")
    in_order(given.get("starting_on"), given.get("ending_before"))
    by_customer: dict[str, list[Row]] = {}
    for grant in world.credit_grants.values():
        if not grant["voided_at"]:
            by_customer.setdefault(grant["customer_id"], []).append(grant)
    rows = list(by_customer)
    if "customer_ids" in given:
        rows = [customers.found(world, each, "customer_ids")["id"] for each in given["customer_ids"]]
    units = _ids(given, "credit_type_ids")

    def show(customer_id: str) -> Row:
        by_unit: dict[str, list[Row]] = {}
        for grant in by_customer.get(customer_id, []):
            by_unit.setdefault(grant["grant_amount"]["credit_type"]["id"], []).append(grant)
        ledgers = [
            _ledger(world, customer_id, own, given, sort)
            for unit, own in by_unit.items()
            if units is None or unit in units
        ]
        return {"customer_id": customer_id, "ledgers": ledgers}

    return Reply(200, query_page(request, rows, show=show))


def _ledger(world: World, customer_id: str, own: list[Row], given: Row, sort: str) -> Row:
    """Entries until now are posted; what follows in the billing period is pending."""
    now, period = world.stamp(), periods.current(world, customer_id)
    bound = given.get("ending_before") or (period[1] if period else None)
    until = bound or now
    since = given.get("starting_on") or min(until, *(each["effective_at"] for each in own))
    every = [
        entry for grant in own for entry in grants.history(grant, until) if entry["effective_at"] != bound
    ]
    every.sort(key=lambda entry: entry["effective_at"])
    told = [entry for entry in grants.running(every) if entry["effective_at"] >= since]
    posted = [entry for entry in told if entry["effective_at"] <= now]
    pending = [entry for entry in told if entry["effective_at"] > now]
    before = sum((exact(each["amount"]) for each in every if each["effective_at"] < since), Decimal(0))
    excluding = sum((exact(each["amount"]) for each in posted), before)
    including = sum((exact(each["amount"]) for each in pending), excluding)
    if sort == "desc":
        posted, pending = posted[::-1], pending[::-1]
    return {
        "credit_type": own[0]["grant_amount"]["credit_type"],
        "starting_balance": _balance(since, before, before),
        "ending_balance": _balance(until, excluding, including),
        "entries": posted,
        "pending_entries": pending,
    }


def _balance(at: str, excluding: Decimal, including: Decimal) -> Row:
    return {
        "effective_at": at,
        "excluding_pending": plain(excluding),
        "including_pending": plain(including),
    }
