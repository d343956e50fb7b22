"""Contracts: creating, reading and ending them (reference §3.4)."""

from __future__ import annotations

import copy
from typing import Any

from metronome.types.v1.contract_amend_params import ContractAmendParams
from metronome.types.v1.contract_archive_params import ContractArchiveParams
from metronome.types.v1.contract_create_params import ContractCreateParams
from metronome.types.v1.contract_create_response import DataContract
from metronome.types.v1.contract_list_params import ContractListParams as ContractListV1Params
from metronome.types.v1.contract_retrieve_params import ContractRetrieveParams as ContractRetrieveV1Params
from metronome.types.v1.contract_set_usage_filter_params import ContractSetUsageFilterParams
from metronome.types.v1.contract_update_end_date_params import ContractUpdateEndDateParams
from metronome.types.v2.contract_list_params import ContractListParams
from metronome.types.v2.contract_retrieve_params import ContractRetrieveParams

from simulator import fields, notices
from simulator.api import customers
from simulator.checks import in_order, on_the_hour, uuid_of
from simulator.engine.contracts import contracts as engine
from simulator.engine.contracts import links, package_terms, renewals, terms
from simulator.engine.contracts.contract_views import shown, shown_v1, shown_v2
from simulator.engine.contracts.drafts import Draft
from simulator.http import ApiError, Reply, Request
from simulator.paging import body_page
from simulator.routing import route
from simulator.world import Row, World

AS_GIVEN = ("name", "net_payment_terms_days", "salesforce_opportunity_id", "netsuite_sales_order_id")
AS_GIVEN += ("total_contract_value", "scheduled_charges_on_usage_invoices", "uniqueness_key")
LISTS = ("overrides", "scheduled_charges", "discounts", "recurring_commits", "recurring_credits")
LISTS += ("subscriptions", "transitions", "usage_filter")


def customer_of(world: World, request: Request) -> str:
    """The customer's id. Raises ApiError 404, or the 400 of v2's routes."""
    if not request.path.startswith("/v2/"):
        return customers.found(world, request.given["customer_id"])["id"]
    return customers.known_to_v2(world, request.given["customer_id"])


def found(world: World, request: Request) -> Row:
    """The contract that a request names, archived or not. Raises ApiError 404, or the 400 of v2's routes."""
    customer_id = customer_of(world, request)
    wanted = uuid_of(request.given["contract_id"], "contract_id")
    for contract in world.contracts_of.get(customer_id, []):
        if contract["id"] == wanted:
            return contract
    if request.path.startswith("/v2/"):
        raise ApiError(400, "Contract not found", code="ContractNotFound")
    raise ApiError(404, "The specified contract was not found", code="NotFound")


def changeable(world: World, request: Request) -> Row:
    """The same, for a write. Raises ApiError 400 for one that is archived."""
    contract = found(world, request)
    if contract["archived_at"]:
        raise ApiError(400, "Contract is archived")
    return contract


@route("POST /v1/contracts/create", ContractCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    given, customer_id = request.given, customer_of(world, request)
    if world.customers[customer_id]["archived_at"]:
        raise ApiError(400, "Customer is archived")
    package = None
    if {"package_id", "package_alias"} & given.keys():
        package = package_terms.package_of(world, given)
        given = package_terms.absolute(package, given)
    contract = built(world, request, customer_id, given)
    if package is not None:
        contract["package_id"] = package["id"]
    parent = old = None
    if "hierarchy_configuration" in given:
        contract["hierarchy_configuration"], parent = links.hierarchy(world, given["hierarchy_configuration"])
    if "transition" in given:
        old = links.renewed(world, customer_id, given["transition"], contract["starting_at"])
    draft = Draft(world, request, contract)
    draft.add(given)
    world.claim("contract", given.get("uniqueness_key"), contract["id"])
    world.contracts_of.setdefault(customer_id, []).append(contract)
    world.customer_of_contract[contract["id"]] = customer_id
    if parent is not None:
        links.adopt(parent, contract)
    draft.store(contract)
    if old is not None:
        renewals.renew(world, old, contract, given["transition"])
    engine.begin(world, contract)
    after = shown(world, contract)
    notices.contract(world, "create", contract)
    world.happened(request, resource=("contract", contract["id"]), action="create", after=after)
    told = {name: value for name, value in after.items() if name in DataContract.model_fields}
    return Reply(200, {"data": {"id": contract["id"], "contract": told}})


def built(world: World, request: Request, customer_id: str, given: Row) -> Row:
    """The contract without the terms that are lists. Raises ApiError 400 or 404."""
    starting_at = given["starting_at"]
    on_the_hour(starting_at, "starting_at")
    on_the_hour(given.get("ending_before"), "ending_before")
    in_order(starting_at, given.get("ending_before"))
    fields.check(world, "contract", given.get("custom_fields", {}))
    terms.refuse_terms_days(given.get("net_payment_terms_days"))
    if "revenue_system_configuration" in given:
        raise ApiError(400, "Revenue system configurations are not enabled for this account")
    schedule = given.get("usage_statement_schedule")
    contract: Row = {
        "id": world.new_id(),
        "customer_id": customer_id,
        "starting_at": starting_at,
        "ending_before": given.get("ending_before"),
        "archived_at": None,
        "created_at": world.stamp(),
        "created_by": request.token.name if request.token else "",
        "rate_card_id": links.rate_card_id(world, given),
        "multiplier_override_prioritization": given.get(
            "multiplier_override_prioritization", "LOWEST_MULTIPLIER"
        ),
        "usage_statement_schedule": terms.statement_schedule(schedule, starting_at),
        "custom_fields": given.get("custom_fields", {}),
        **terms.kept(given, *AS_GIVEN),
        **{name: [] for name in LISTS},
    }
    if since := (schedule or {}).get("invoice_generation_starting_at"):
        contract["invoice_generation_starting_at"] = since
    if "usage_filter" in given:
        contract["usage_filter"] = terms.usage_filters(contract, given["usage_filter"])
    if "billing_provider_configuration" in given:
        wanted = given["billing_provider_configuration"]
        links.bill_from_start(contract, links.provider(world, customer_id, wanted))
    return contract


def _list(world: World, request: Request, show: Any) -> Reply:
    """Oldest start first. `covering_date` and `starting_at` exclude each other."""
    given = request.given
    covering, starting_at = given.get("covering_date"), given.get("starting_at")
    if covering is not None and starting_at is not None:
        raise ApiError(400, "covering_date and starting_at can't be combined")
    archived = given.get("include_archived", False)
    rows = sorted(
        world.contracts_of.get(customer_of(world, request), []),
        key=lambda row: (row["starting_at"], row["id"]),
    )

    def keep(row: Row) -> bool:
        if row["archived_at"] and not archived:
            return False
        end = row.get("ending_before")
        if covering is not None and (row["starting_at"] > covering or (end and end <= covering)):
            return False
        return starting_at is None or row["starting_at"] >= starting_at

    options = _options(given) | {"archived": archived}
    return Reply(
        200,
        body_page(
            request,
            rows,
            cursor="cursor",
            most=20,
            keep=keep,
            show=lambda row: show(world, row, **options),
        ),
    )


def _options(given: Row) -> dict[str, bool]:
    return {"balance": given.get("include_balance", False), "ledgers": given.get("include_ledgers", False)}


@route("POST /v1/contracts/list", ContractListV1Params)
def list_v1(world: World, request: Request) -> Reply:
    return _list(world, request, shown_v1)


@route("POST /v2/contracts/list", ContractListParams)
def list_v2(world: World, request: Request) -> Reply:
    return _list(world, request, shown_v2)


@route("POST /v1/contracts/get", ContractRetrieveV1Params)
def get_v1(world: World, request: Request) -> Reply:
    contract = found(world, request)
    return Reply(200, {"data": shown_v1(world, contract, **_options(request.given))})


@route("POST /v2/contracts/get", ContractRetrieveParams)
def get_v2(world: World, request: Request) -> Reply:
    given = request.given
    if "as_of_date" in given and given.get("include_ledgers"):
        raise ApiError(400, "as_of_date can't be combined with include_ledgers")
    contract = found(world, request)
    return Reply(200, {"data": shown_v2(world, contract, as_of=given.get("as_of_date"), **_options(given))})


@route("POST /v1/contracts/archive", ContractArchiveParams, writes=True)
def archive(world: World, request: Request) -> Reply:
    """Final. A second archive is refused or not by switch `second_archive`."""
    contract = found(world, request)
    if contract["archived_at"]:
        if world.switches["second_archive"] == "refuse":
            raise ApiError(400, "Contract is already archived", executed=True)
        return Reply(200, {"data": {"id": contract["id"]}})
    before = shown(world, contract)
    engine.archive(world, contract, void_invoices=request.given["void_invoices"])
    _happened(world, request, contract, "archive", before)
    return Reply(200, {"data": {"id": contract["id"]}})


@route("POST /v1/contracts/updateEndDate", ContractUpdateEndDateParams, writes=True)
def update_end_date(world: World, request: Request) -> Reply:
    """No end given makes it open-ended."""
    contract, given = changeable(world, request), request.given
    ending_before = given.get("ending_before")
    may_cut = given.get("allow_ending_before_finalized_invoice", True)
    engine.refuse_end(world, contract, ending_before, may_cut=may_cut)
    before = shown(world, contract)
    row = copy.deepcopy(contract)
    engine.set_end(row, ending_before)
    engine.edited(world, contract, row, {"update_contract_end_date": ending_before})
    _happened(world, request, contract, "update_end_date", before)
    return Reply(200, {"data": {"id": contract["id"]}})


@route("POST /v1/contracts/setUsageFilter", ContractSetUsageFilterParams, writes=True)
def set_usage_filter(world: World, request: Request) -> Reply:
    """The answer is empty."""
    contract = changeable(world, request)
    filters = terms.usage_filters(contract, request.given)
    before = shown(world, contract)
    row = copy.deepcopy(contract) | {"usage_filter": filters}
    engine.edited(world, contract, row, {"add_usage_filters": filters[-1:]})
    _happened(world, request, contract, "set_usage_filter", before)
    return Reply(200)


@route("POST /v1/contracts/amend", ContractAmendParams, writes=True)
def amend(world: World, request: Request) -> Reply:
    """Adds terms, and tells of them as an amendment in v1 and as an edit in the history."""
    contract, given = changeable(world, request), request.given
    on_the_hour(given["starting_at"], "starting_at")
    if given["starting_at"] < contract["starting_at"]:
        raise ApiError(400, "An amendment must not start before its contract")
    fields.check(world, "contract", given.get("custom_fields", {}), contract["id"])
    before = shown(world, contract)
    row = copy.deepcopy(contract)
    row["custom_fields"] = {**row.get("custom_fields", {}), **given.get("custom_fields", {})}
    row |= terms.kept(given, "total_contract_value")
    draft = Draft(world, request, row)
    draft.add(given)
    amendment = {
        "id": world.new_id(),
        "created_at": world.stamp(),
        "created_by": request.token.name if request.token else "",
        "starting_at": given["starting_at"],
        **terms.kept(given, "salesforce_opportunity_id", "netsuite_sales_order_id"),
        **{name: [] for name in ("commits", "credits", "overrides", "scheduled_charges")},
        **draft.shown(),
    }
    row.setdefault("amendments", []).append(amendment)
    engine.edited(world, contract, row, draft.as_edit(), draft)
    _happened(world, request, contract, "amend", before)
    return Reply(200, {"data": {"id": amendment["id"]}})


def _happened(world: World, request: Request, contract: Row, action: str, before: Row) -> None:
    world.happened(
        request,
        resource=("contract", contract["id"]),
        action=action,
        before=before,
        after=shown(world, contract),
    )
