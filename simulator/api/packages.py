"""Packages, from which contracts are made: reference §3.5."""

from __future__ import annotations

from typing import Any

from metronome.types.v1.package_archive_params import PackageArchiveParams
from metronome.types.v1.package_create_params import PackageCreateParams
from metronome.types.v1.package_list_contracts_on_package_params import PackageListContractsOnPackageParams
from metronome.types.v1.package_retrieve_params import PackageRetrieveParams

from simulator.api import contracts, rate_cards
from simulator.api.products import ListBody
from simulator.archiving import archived_already, kept_by
from simulator.checks import uuid_of
from simulator.engine.contracts import package_terms, templates
from simulator.engine.contracts.drafts import Draft
from simulator.engine.contracts.terms import kept
from simulator.engine.prices.pricing import covers
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

AS_GIVEN = ("name", "contract_name", "net_payment_terms_days", "billing_provider", "delivery_method")
AS_GIVEN += ("multiplier_override_prioritization", "scheduled_charges_on_usage_invoices", "rate_card_alias")
INTERNAL = ("alias_number", "rate_card_alias")


def found(world: World, package_id: Any) -> Row:
    """The package, archived or not. Raises ApiError 404."""
    package = world.packages.get(uuid_of(package_id, "package_id"))
    if package is None:
        raise ApiError(404, "The specified package was not found", code="NotFound")
    return package


def shown(package: Row) -> Row:
    """The API's form: the uniqueness key comes back with a prefix, as observed."""
    row = {name: value for name, value in package.items() if name not in INTERNAL and value is not None}
    if "uniqueness_key" in row:
        row["uniqueness_key"] = f"package:{row['uniqueness_key']}"
    return row


def built(world: World, given: Row, created_by: str) -> Row:
    """A package as it is kept, not yet in the world. Raises ApiError 400 or 404."""
    if not given["name"]:
        raise ApiError(400, "name must not be empty")
    schedule = given.get("usage_statement_schedule", {"frequency": "MONTHLY"})
    package = {
        "id": world.new_id(),
        "created_at": world.stamp(),
        "created_by": created_by,
        "archived_at": None,
        "aliases": rate_cards.checked_aliases(given.get("aliases", [])),
        "alias_number": rate_cards.next_alias_number(world.packages),
        "usage_statement_schedule": {"day": "FIRST_OF_MONTH", **kept(schedule, "frequency", "day")},
        **kept(given, "uniqueness_key", *AS_GIVEN),
        **templates.lists(world, given),
        **templates.thresholds(given),
    }
    if "duration" in given:
        package["duration"] = templates.offset(given["duration"], "duration", least=1)
    if "rate_card_id" in given:
        package["rate_card_id"] = rate_cards.changeable(world, given["rate_card_id"])["id"]
    return package


def _try(world: World, request: Request, package: Row) -> None:
    """Raise ApiError 400 for a package from which no contract could be made that begins now."""
    at_once = {"starting_at": f"{world.stamp()[:13]}:00:00.000Z"}
    given = package_terms.absolute(package, at_once)
    given.pop("billing_provider_configuration", None)
    contract = contracts.built(world, request, "", given)
    Draft(world, request, contract).add(given)


@route("POST /v1/packages/create", PackageCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    """A package never changes again. What could make no contract today is refused."""
    given = request.given
    if ("delivery_method" in given) != ("billing_provider" in given):
        raise ApiError(400, "billing_provider and delivery_method go together")
    if "rate_card_id" in given and "rate_card_alias" in given:
        raise ApiError(400, "rate_card_id and rate_card_alias can't be combined")
    package = built(world, given, request.token.name)
    _try(world, request, package)
    world.claim("package", given.get("uniqueness_key"), package["id"])
    world.packages[package["id"]] = package
    world.happened(request, resource=("package", package["id"]), action="create", after=shown(package))
    return Reply(200, {"data": {"id": package["id"]}})


@route("POST /v1/packages/get", PackageRetrieveParams)
def retrieve(world: World, request: Request) -> Reply:
    return Reply(200, {"data": shown(found(world, request.given["package_id"]))})


@route("POST /v1/packages/list", ListBody, exact=True)
def list_packages(world: World, request: Request) -> Reply:
    """Ten a page unless a limit is given."""
    keep = kept_by(request.given.get("archive_filter", "NOT_ARCHIVED"))
    rows = list(world.packages.values())
    return Reply(200, query_page(request, rows, default=10, keep=keep, show=shown))


@route("POST /v1/packages/archive", PackageArchiveParams, writes=True, exact=True)
def archive(world: World, request: Request) -> Reply:
    """Final. Contracts made from it go on; a second time is a 422, as observed."""
    package = found(world, request.given["package_id"])
    if archived_already(world, package, "Package", 422):
        return Reply(200, {"data": {"id": package["id"]}})
    package["archived_at"] = world.stamp()
    world.happened(
        request,
        resource=("package", package["id"]),
        action="archive",
        before={"archived_at": None},
        after={"archived_at": package["archived_at"]},
    )
    return Reply(200, {"data": {"id": package["id"]}})


@route("POST /v1/packages/listContractsOnPackage", PackageListContractsOnPackageParams)
def list_contracts(world: World, request: Request) -> Reply:
    """An unknown package is a 400 with a code."""
    given = request.given
    package_id = uuid_of(given["package_id"], "package_id")
    if package_id not in world.packages:
        raise ApiError(400, "Package not found", code="PackageNotFound")
    covering, since = given.get("covering_date"), given.get("starting_at")
    if covering is not None and since is not None:
        raise ApiError(400, "covering_date and starting_at can't be combined")
    archived = given.get("include_archived", False)

    def keep(row: Row) -> bool:
        return (
            row.get("package_id") == package_id
            and (archived or not row["archived_at"])
            and (covering is None or covers(row, covering))
            and (since is None or row["starting_at"] >= since)
        )

    def show(row: Row) -> Row:
        names = ("customer_id", "starting_at", "ending_before", "archived_at")
        return {"contract_id": row["id"], **kept(row, *names)}

    rows = [row for rows in world.contracts_of.values() for row in rows]
    return Reply(200, query_page(request, rows, keep=keep, show=show))
