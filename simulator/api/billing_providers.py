"""Billing providers of the account and of its customers, the legacy routes included: reference §3.3."""

from __future__ import annotations

from typing import Required, TypedDict

from metronome.types.v1.customer_archive_billing_configurations_params import (
    CustomerArchiveBillingConfigurationsParams,
)
from metronome.types.v1.customer_retrieve_billing_configurations_params import (
    CustomerRetrieveBillingConfigurationsParams,
)
from metronome.types.v1.customer_set_billing_configurations_params import (
    CustomerSetBillingConfigurationsParams,
)
from metronome.types.v1.customers.billing_config_create_params import BillingConfigCreateParams
from metronome.types.v1.setting_upsert_avalara_credentials_params import SettingUpsertAvalaraCredentialsParams
from metronome.types.v1.settings.billing_provider_create_params import BillingProviderCreateParams
from metronome.types.v1.settings.billing_provider_list_params import BillingProviderListParams

from simulator.api.customers import found
from simulator.checks import uuid_of
from simulator.engine.contracts import links
from simulator.engine.contracts.billing import checked, put
from simulator.http import ApiError, Reply, Request
from simulator.paging import body_page
from simulator.routing import route
from simulator.world import Row, World

PROVIDERS = ("aws_marketplace", "azure_marketplace", "gcp_marketplace", "stripe", "netsuite")
PROVIDERS += ("custom", "quickbooks_online", "workday", "metronome")
SECRETS = ("api_key", "secret", "token", "password", "credentials", "private_key")


@route(
    "POST /v1/setCustomerBillingProviderConfigurations", CustomerSetBillingConfigurationsParams, writes=True
)
def set_configurations(world: World, request: Request) -> Reply:
    """Adds one configuration a row, all or nothing. An unknown customer is a 500, as observed."""
    wanted = [(uuid_of(each["customer_id"], "customer_id"), each) for each in request.given["data"]]
    if any(customer_id not in world.customers for customer_id, _each in wanted):
        raise ApiError(500, "Unexpected internal error", executed=True)
    rows = [(customer_id, checked(world, each)) for customer_id, each in wanted]
    made = [row for customer_id, each in rows for row in put(world, customer_id, [each])]
    for row in made:
        world.happened(
            request,
            resource=("customer", row["customer_id"]),
            action="set_billing_provider_configuration",
            after=row,
        )
    names = ("id", "customer_id", "billing_provider", "configuration", "delivery_method_id", "tax_provider")
    return Reply(200, {"data": [{k: row[k] for k in names if row[k] is not None} for row in made]})


@route("POST /v1/getCustomerBillingProviderConfigurations", CustomerRetrieveBillingConfigurationsParams)
def get_configurations(world: World, request: Request) -> Reply:
    """An unknown customer has none, as observed."""
    rows = world.billing_configurations.get(uuid_of(request.given["customer_id"], "customer_id"), [])
    if not request.given.get("include_archived"):
        rows = [row for row in rows if not row["archived_at"]]
    return Reply(200, {"data": [{k: v for k, v in row.items() if k != "tax_provider"} for row in rows]})


@route(
    "POST /v1/archiveCustomerBillingProviderConfigurations",
    CustomerArchiveBillingConfigurationsParams,
    writes=True,
)
def archive_configurations(world: World, request: Request) -> Reply:
    """All or nothing; contracts that billed through one are detached."""
    given = request.given
    customer_id = uuid_of(given["customer_id"], "customer_id")
    ids = [uuid_of(each, "id") for each in given["customer_billing_provider_configuration_ids"]]
    own = {
        row["id"]: row for row in world.billing_configurations.get(customer_id, []) if not row["archived_at"]
    }
    if set(ids) - own.keys():
        raise ApiError(400, "The specified billing provider configuration was not found")
    for each in ids:
        before = dict(own[each])
        own[each]["archived_at"] = world.stamp()
        for contract in world.contracts_of.get(customer_id, []):
            links.detach(world, contract, own[each])
        world.happened(
            request,
            resource=("customer", customer_id),
            action="archive_billing_provider_configuration",
            before=before,
            after=dict(own[each]),
        )
    return Reply(
        200, {"data": {"customer_id": customer_id, "customer_billing_provider_configuration_ids": ids}}
    )


@route("POST /v1/listConfiguredBillingProviders", BillingProviderListParams)
def list_providers(world: World, request: Request) -> Reply:
    """The account's delivery methods; what looks like a secret is left out."""
    return Reply(200, body_page(request, world.billing_providers, cursor="next_page", most=100, show=_open))


@route("POST /v1/setUpBillingProvider", BillingProviderCreateParams, writes=True)
def set_up_provider(world: World, request: Request) -> Reply:
    """Adds a delivery method to the account; the very same one again is a 409."""
    given = request.given
    row = {
        "billing_provider": given["billing_provider"],
        "delivery_method": given["delivery_method"],
        "delivery_method_configuration": given["configuration"],
    }
    if any(row.items() <= known.items() for known in world.billing_providers):
        raise ApiError(409, "This billing provider is already set up", executed=True)
    row["delivery_method_id"] = world.new_id()
    world.billing_providers.append(row)
    world.happened(
        request, resource=("billing_provider", row["delivery_method_id"]), action="set_up", after=_open(row)
    )
    return Reply(200, {"data": {"delivery_method_id": row["delivery_method_id"]}})


def _open(row: Row) -> Row:
    kept = {
        name: value
        for name, value in row["delivery_method_configuration"].items()
        if not any(word in name.lower() for word in SECRETS)
    }
    return row | {"delivery_method_configuration": kept}


@route("POST /v1/upsertAvalaraCredentials", SettingUpsertAvalaraCredentialsParams, writes=True)
def upsert_avalara(world: World, request: Request) -> Reply:
    """Takes the credentials and keeps none of them: the ledger says only for which delivery methods."""
    _upsert(world, request, "upsert_avalara_credentials")
    return Reply(200, {})


def _upsert(world: World, request: Request, action: str) -> None:
    ids = [uuid_of(each, "delivery_method_ids") for each in request.given["delivery_method_ids"]]
    if set(ids) - {row["delivery_method_id"] for row in world.billing_providers}:
        raise ApiError(400, "delivery_method_ids holds an unknown id")
    world.happened(
        request,
        resource=("billing_provider", ids[0] if ids else ""),
        action=action,
        after={"delivery_method_ids": ids},
    )


class AnrokToken(TypedDict, total=False):
    """What the SDK has no type for."""

    delivery_method_ids: Required[list[str]]
    anrok_api_token: Required[str]


@route("POST /v1/upsertAnrokApiToken", AnrokToken, writes=True)
def upsert_anrok(world: World, request: Request) -> Reply:
    """The same for the token of another tax provider."""
    _upsert(world, request, "upsert_anrok_api_token")
    return Reply(200, {"data": {"success": True}})


def _legacy(world: World, request: Request) -> tuple[str, Row | None]:
    customer, provider = found(world, request.ids["customer_id"]), request.ids["billing_provider_type"]
    if provider not in PROVIDERS:
        raise ApiError(400, f"billing_provider_type must be one of {', '.join(PROVIDERS)}")
    name = f"{customer['id']}/{provider}"
    return name, world.legacy_billing.get(name)


LEGACY = "/v1/customers/{customer_id}/billing-config/{billing_provider_type}"


@route(f"POST {LEGACY}", BillingConfigCreateParams, writes=True)
def create_legacy(world: World, request: Request) -> Reply:
    """Sets the one configuration that a provider has for plans; the answer is empty."""
    name, before = _legacy(world, request)
    provider = request.ids["billing_provider_type"]
    if provider == "aws_marketplace" and not {"aws_product_code", "aws_region"} <= request.given.keys():
        raise ApiError(400, "aws_product_code and aws_region are required for aws_marketplace")
    world.legacy_billing[name] = request.given | {"billing_provider_type": provider}
    world.happened(
        request,
        resource=("customer", name.split("/")[0]),
        action="set_billing_config",
        before=before,
        after=world.legacy_billing[name],
    )
    return Reply(200)


@route(f"GET {LEGACY}")
def retrieve_legacy(world: World, request: Request) -> Reply:
    _name, row = _legacy(world, request)
    if row is None:
        raise ApiError(404, "The specified billing configuration was not found", code="NotFound")
    return Reply(200, {"data": {k: v for k, v in row.items() if k != "billing_provider_type"}})


@route(f"DELETE {LEGACY}", writes=True)
def delete_legacy(world: World, request: Request) -> Reply:
    name, row = _legacy(world, request)
    if request.ids["billing_provider_type"] in ("aws_marketplace", "azure_marketplace"):
        raise ApiError(400, "Billing configurations of this provider can't be deleted")
    if row is None:
        raise ApiError(404, "The specified billing configuration was not found", code="NotFound")
    del world.legacy_billing[name]
    world.happened(
        request, resource=("customer", name.split("/")[0]), action="delete_billing_config", before=row
    )
    return Reply(200)
