"""Alerts and what they say of a customer: reference §3.8."""

from __future__ import annotations

from metronome.types.v1.alert_archive_params import AlertArchiveParams
from metronome.types.v1.alert_create_params import AlertCreateParams
from metronome.types.v1.customers.alert_list_params import AlertListParams
from metronome.types.v1.customers.alert_reset_params import AlertResetParams
from metronome.types.v1.customers.alert_retrieve_params import AlertRetrieveParams

from simulator.api.customers import found
from simulator.api.plans import found_plan
from simulator.checks import rfc3339, uuid_of
from simulator.engine.alerts import alerting
from simulator.engine.prices.schedules import credit_type
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

SHARED = "low_remaining_contract_credit_and_commit_"
BY_GRANT = frozenset({"low_credit_balance_reached", "low_remaining_credit_percentage_reached"})
BY_BALANCE = frozenset(
    {
        "low_remaining_commit_balance_reached",
        "low_remaining_commit_percentage_reached",
        "low_remaining_contract_credit_balance_reached",
        "low_remaining_contract_credit_percentage_reached",
        f"{SHARED}balance_reached",
        f"{SHARED}percentage_reached",
        "low_remaining_seat_balance_reached",
    }
)
ONLY_FOR = {
    "access_type": BY_BALANCE,
    "alert_specifiers": frozenset({f"{SHARED}balance_reached", f"{SHARED}percentage_reached"}),
    "billable_metric_id": frozenset({"usage_threshold_reached"}),
    "group_values": frozenset({"spend_threshold_reached"}),
    "invoice_types_filter": frozenset({"invoice_total_reached"}),
    "seat_filter": frozenset({"low_remaining_seat_balance_reached"}),
}
NEEDED = {
    "usage_threshold_reached": "billable_metric_id",
    "low_remaining_seat_balance_reached": "seat_filter",
}
WITHOUT_MONEY = frozenset(
    {
        "usage_threshold_reached",
        "low_remaining_days_in_plan_reached",
        "low_remaining_days_for_commit_segment_reached",
        "low_remaining_days_for_contract_credit_segment_reached",
    }
)
SHOWN = ("id", "name", "type", "status", "threshold", "credit_type", "uniqueness_key", "access_type")
SHOWN += ("alert_specifiers", "credit_grant_type_filters", "custom_field_filters", "group_values")
SHOWN += ("invoice_types_filter", "seat_filter")


@route("POST /v1/alerts/create", AlertCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    """Alerts don't change afterwards."""
    row = _checked(world, request.given)
    if (key := row.get("uniqueness_key")) in (taken := world.uniqueness_keys.get("alert", {})):
        raise ApiError(
            409,
            "This uniqueness key has already been used",
            executed=True,
            conflicting_id=taken[key],
            conflicting_value=key,
        )
    row["id"] = world.new_id()
    world.claim("alert", key, row["id"])
    world.alerts[row["id"]] = row
    alerting.begin(world, row)
    world.happened(request, resource=("alert", row["id"]), action="create", after=row)
    return Reply(200, {"data": {"id": row["id"]}})


def _checked(world: World, given: Row) -> Row:
    """The alert that this asks for, without its id. Raises ApiError 400 and 404."""
    kind = given["alert_type"]
    for name, kinds in ONLY_FOR.items():
        if name in given and kind not in kinds:
            raise ApiError(400, f"{name} is not supported for {kind}")
    if (needed := NEEDED.get(kind)) and needed not in given:
        raise ApiError(400, f"{needed} is required for {kind}")
    if given.get("access_type") == "QUANTITY" and "credit_type_id" in given:
        raise ApiError(400, "credit_type_id can't be given with access_type QUANTITY")
    ignored = () if kind in BY_GRANT else ("credit_grant_type_filters",)
    apart = ("alert_type", "credit_type_id", *ignored)
    row = {name: value for name, value in given.items() if name not in apart}
    row |= {"type": kind, "status": "enabled", "custom_fields": {}, "created_at": world.stamp()}
    row["looks_from"] = rfc3339(world.now() + alerting.FIRST_LOOK)
    row["evaluate_on_create"] = given.get("evaluate_on_create", True)
    if "customer_id" in given:
        row["customer_id"] = found(world, given["customer_id"])["id"]
    if "plan_id" in given:
        row["plan_id"] = found_plan(world, given["plan_id"])["id"]
    if "billable_metric_id" in given:
        row["billable_metric_id"] = uuid_of(given["billable_metric_id"], "billable_metric_id")
        if row["billable_metric_id"] not in world.billable_metrics:
            raise ApiError(404, "The specified billable metric was not found", code="NotFound")
    if "credit_type_id" in given or (kind not in WITHOUT_MONEY and given.get("access_type") != "QUANTITY"):
        row["credit_type"] = credit_type(world, given.get("credit_type_id"))
    return row


@route("POST /v1/alerts/archive", AlertArchiveParams, writes=True)
def archive(world: World, request: Request) -> Reply:
    """Final. `release_uniqueness_key` gives its key back, and only now: a second archive is refused."""
    alert = _found_alert(world, request.given["id"], "id")
    if alert["status"] == "archived":
        if world.switches["second_archive"] == "refuse":
            raise ApiError(400, "Alert already archived", executed=True)
        return Reply(200, {"data": {"id": alert["id"]}})
    before = dict(alert)
    alert |= {"status": "archived", "archived_at": world.stamp()}
    if request.given.get("release_uniqueness_key") and "uniqueness_key" in alert:
        del world.uniqueness_keys["alert"][alert.pop("uniqueness_key")]
    world.happened(request, resource=("alert", alert["id"]), action="archive", before=before, after=alert)
    return Reply(200, {"data": {"id": alert["id"]}})


def _found_alert(world: World, alert_id: str, name: str = "alert_id", customer_id: str | None = None) -> Row:
    """The alert, or 404; also where it watches another customer only."""
    alert = world.alerts.get(uuid_of(alert_id, name))
    if alert is None or (customer_id and alert.get("customer_id", customer_id) != customer_id):
        raise ApiError(404, "The specified alert was not found", code="NotFound")
    return alert


def _show(world: World, alert: Row, customer_id: str, state: Row | None = None) -> Row:
    state = dict(state or alerting.state(world, alert, customer_id))
    shown = {name: alert[name] for name in SHOWN if name in alert}
    return {"alert": shown | {"updated_at": state.pop("updated_at")}, **state}


@route("POST /v1/customer-alerts/get", AlertRetrieveParams)
def retrieve(world: World, request: Request) -> Reply:
    """With filters, what the alert would say of these alone; that is neither kept nor told."""
    given = request.given
    customer = found(world, given["customer_id"])
    alert = _found_alert(world, given["alert_id"], customer_id=customer["id"])
    narrower = {}
    for name in ("alert_specifiers", "group_values", "seat_filter"):
        if name in given:
            if alert["type"] not in ONLY_FOR[name]:
                raise ApiError(400, f"{name} is not supported for {alert['type']}")
            narrower[name] = given[name]
    state = alerting.state(world, alert, customer["id"])
    if narrower and state["customer_status"] in ("ok", "in_alarm"):
        worst, alarmed = alerting.judged(world, alert | narrower, customer["id"])
        state = {"customer_status": "in_alarm" if alarmed else "ok", "updated_at": state["updated_at"]}
        if alarmed and worst and worst.cause:
            state["triggered_by"] = worst.cause
    return Reply(200, {"data": _show(world, alert, customer["id"], state)})


@route("POST /v1/customer-alerts/list", AlertListParams)
def list_alerts(world: World, request: Request) -> Reply:
    """Enabled ones unless asked for others."""
    customer = found(world, request.given["customer_id"])
    statuses = request.given.get("alert_statuses", ["ENABLED"])
    if not statuses:
        raise ApiError(400, "alert_statuses must contain at least 1 item")
    rows = [
        each
        for each in world.alerts.values()
        if each.get("customer_id", customer["id"]) == customer["id"] and each["status"].upper() in statuses
    ]
    return Reply(200, query_page(request, rows, show=lambda alert: _show(world, alert, customer["id"])))


@route("POST /v1/customer-alerts/reset", AlertResetParams, writes=True)
def reset(world: World, request: Request) -> Reply:
    """The answer is empty; the customer is `evaluating` for a second and then looked at afresh."""
    customer = found(world, request.given["customer_id"])
    alert = _found_alert(world, request.given["alert_id"], customer_id=customer["id"])
    if alert["status"] == "archived":
        raise ApiError(400, "Alert already archived", executed=True)
    alerting.reset(world, alert, customer["id"])
    world.happened(
        request, resource=("alert", alert["id"]), action="reset", after={"customer_id": customer["id"]}
    )
    return Reply(200)
