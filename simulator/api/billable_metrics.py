"""Billable metrics: reference §3.5."""

from __future__ import annotations

from typing import Any

from metronome.types.v1.billable_metric_archive_params import BillableMetricArchiveParams
from metronome.types.v1.billable_metric_create_params import BillableMetricCreateParams
from metronome.types.v1.billable_metric_list_params import BillableMetricListParams
from metronome.types.v1.billable_metric_update_params import BillableMetricUpdateParams

from simulator import fields
from simulator.archiving import archived_already
from simulator.checks import uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

NOT_BESIDE_SQL = (
    "aggregation_type",
    "aggregation_key",
    "event_type_filter",
    "property_filters",
    "group_keys",
)


def found(world: World, metric_id: Any, name: str = "billable_metric_id") -> Row:
    """The metric, archived or not. Raises ApiError 404."""
    metric = world.billable_metrics.get(uuid_of(metric_id, name))
    if metric is None:
        raise ApiError(404, "The specified billable metric was not found", code="NotFound")
    return metric


def _check(given: Row) -> None:
    """A metric is SQL alone, or an aggregation with filters. Raises ApiError 400."""
    _check_name(given)
    if "sql" in given:
        if not given["sql"]:
            raise ApiError(400, "sql must not be empty")
        for name in NOT_BESIDE_SQL:
            if name in given:
                raise ApiError(400, f"{name} can't be given together with sql")
        return
    if "aggregation_type" not in given:
        raise ApiError(400, "aggregation_type or sql is required")
    filters = given.get("property_filters", [])
    names = [each["name"] for each in filters]
    if given["aggregation_type"] != "COUNT" and given.get("aggregation_key") not in names:
        raise ApiError(400, "aggregation_key must be the name of one of the property_filters")
    if "" in names:
        raise ApiError(400, "property_filters.name must not be empty")
    for each in (given.get("event_type_filter", {}), *filters):
        if any(each.get(name) == [] for name in ("in_values", "not_in_values")):
            raise ApiError(400, "in_values and not_in_values must not be empty")
    if not all(given.get("group_keys", [])):
        raise ApiError(400, "group_keys must name at least one property each")


def _check_name(given: Row) -> None:
    if not given["name"]:
        raise ApiError(400, "name must not be empty")


def shown(metric: Row) -> Row:
    """The API's form."""
    return {name: value for name, value in metric.items() if name != "events_before" and value is not None}


def put_metric(world: World, members: Row) -> Row:
    """Put a new metric into the world."""
    before = {"events_before": world.events_received}  # which it does not count
    metric = {"id": world.new_id(), "custom_fields": {}, **before, **members}
    world.billable_metrics[metric["id"]] = metric
    return metric


@route("POST /v1/billable-metrics/create", BillableMetricCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    given = request.given
    fields.check(world, "billable_metric", given.get("custom_fields", {}))
    _check(given)
    metric = put_metric(world, given)
    world.happened(request, resource=("billable_metric", metric["id"]), action="create", after=metric)
    return Reply(200, {"data": {"id": metric["id"]}})


@route("GET /v1/billable-metrics/{billable_metric_id}")
def retrieve(world: World, request: Request) -> Reply:
    return Reply(200, {"data": shown(found(world, request.ids["billable_metric_id"]))})


@route("GET /v1/billable-metrics", BillableMetricListParams)
def list_metrics(world: World, request: Request) -> Reply:
    with_archived = request.given.get("include_archived", False)
    rows = list(world.billable_metrics.values())

    def keep(row: Row) -> bool:
        return with_archived or "archived_at" not in row

    return Reply(200, query_page(request, rows, keep=keep, show=shown))


@route("PUT /v1/billable-metrics/{billable_metric_id}", BillableMetricUpdateParams, writes=True)
def update(world: World, request: Request) -> Reply:
    """Only the name can change."""
    metric = found(world, request.ids["billable_metric_id"])
    _check_name(request.given)
    if "archived_at" in metric:
        raise ApiError(400, "Billable metric is archived")
    before, metric["name"] = metric["name"], request.given["name"]
    world.happened(
        request,
        resource=("billable_metric", metric["id"]),
        action="update",
        before={"name": before},
        after={"name": metric["name"]},
    )
    return Reply(200, {"data": {"id": metric["id"]}})


@route("POST /v1/billable-metrics/archive", BillableMetricArchiveParams, writes=True)
def archive(world: World, request: Request) -> Reply:
    """Final. Products that use it keep counting."""
    metric = found(world, request.given["id"], "id")
    if archived_already(world, metric, "Billable metric"):
        return Reply(200, {"data": {"id": metric["id"]}})
    metric["archived_at"] = world.stamp()
    world.happened(
        request,
        resource=("billable_metric", metric["id"]),
        action="archive",
        after={"archived_at": metric["archived_at"]},
    )
    return Reply(200, {"data": {"id": metric["id"]}})
