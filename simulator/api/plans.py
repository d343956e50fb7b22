"""Plans and customer plans (Metronome 1.0): reference §3.2."""

from __future__ import annotations

from typing import Any

from metronome.types.v1.customers.plan_add_params import PlanAddParams
from metronome.types.v1.customers.plan_end_params import PlanEndParams

from simulator.api.customers import found
from simulator.checks import at_midnight, in_order, uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.paging import newest_first, query_page
from simulator.routing import route
from simulator.world import Row, World


def found_plan(world: World, plan_id: Any) -> dict[str, Any]:
    """The plan, or 404."""
    plan = world.plans.get(uuid_of(plan_id, "plan_id"))
    if plan is None:
        raise ApiError(404, "The specified plan was not found", code="NotFound")
    return plan


@route("GET /v1/plans")
def list_plans(world: World, request: Request) -> Reply:
    shown = [
        {k: plan[k] for k in ("id", "name", "description", "custom_fields")} for plan in world.plans.values()
    ]
    return Reply(200, query_page(request, shown))


@route("GET /v1/planDetails/{plan_id}")
def plan_details(world: World, request: Request) -> Reply:
    plan = found_plan(world, request.ids["plan_id"])
    return Reply(200, {"data": {k: plan[k] for k in ("id", "name", "description", "custom_fields")}})


@route("GET /v1/planDetails/{plan_id}/charges")
def plan_charges(world: World, request: Request) -> Reply:
    return Reply(200, query_page(request, found_plan(world, request.ids["plan_id"])["charges"]))


def state_of(row: dict[str, Any], now: str) -> str:
    """active, ended or upcoming at an instant; ends are exclusive, so one that ends at its start never is."""
    if row["ending_before"] == row["starting_on"]:
        return "ended"
    if row["starting_on"] > now:
        return "upcoming"
    return "ended" if row["ending_before"] and row["ending_before"] <= now else "active"


@route("GET /v1/planDetails/{plan_id}/customers")
def plan_customers(world: World, request: Request) -> Reply:
    plan = found_plan(world, request.ids["plan_id"])
    wanted = set(request.query.get("status", "active").split(","))
    if wanted - {"all", "active", "ended", "upcoming"} or wanted == {"ended", "upcoming"}:
        raise ApiError(400, "status is not supported")
    now = world.stamp()
    rows = [world.customer_plans[each] for each in world.subscribers_of.get(plan["id"], [])]

    def show(row: dict[str, Any]) -> dict[str, Any]:
        details = {
            "id": plan["id"],
            "name": plan["name"],
            "customer_plan_id": row["id"],
            "starting_on": row["starting_on"],
            "custom_fields": row["custom_fields"],
        }
        if row["ending_before"]:
            details["ending_before"] = row["ending_before"]
        return {"customer_details": world.customers[row["customer_id"]], "plan_details": details}

    return Reply(
        200,
        query_page(
            request, rows, keep=lambda row: "all" in wanted or state_of(row, now) in wanted, show=show
        ),
    )


@route("GET /v1/customers/{customer_id}/plans")
def list_customer_plans(world: World, request: Request) -> Reply:
    customer = found(world, request.ids["customer_id"])
    rows = newest_first(
        (world.customer_plans[i] for i in world.plans_of.get(customer["id"], [])), "starting_on"
    )
    return Reply(200, query_page(request, [shown(world, row) for row in rows]))


def shown(world: World, row: dict[str, Any]) -> dict[str, Any]:
    """A customer plan as its list gives it."""
    plan = world.plans[row["plan_id"]]
    answer = {
        "id": row["id"],
        "plan_id": row["plan_id"],
        "plan_name": plan["name"],
        "plan_description": plan["description"],
        "starting_on": row["starting_on"],
        "custom_fields": row["custom_fields"],
    }
    if row["ending_before"]:
        answer["ending_before"] = row["ending_before"]
    if row["net_payment_terms_days"] is not None:
        answer["net_payment_terms_days"] = row["net_payment_terms_days"]
    return answer


def put_plan(
    world: World,
    customer_id: str,
    plan_id: str,
    starting_on: str,
    ending_before: str | None,
    terms: int | None,
) -> dict[str, Any]:
    """Subscribe a customer to a plan."""
    row = {
        "id": world.new_id(),
        "customer_id": customer_id,
        "plan_id": plan_id,
        "starting_on": starting_on,
        "ending_before": ending_before,
        "net_payment_terms_days": terms,
        "custom_fields": {},
    }
    world.customer_plans[row["id"]] = row
    world.plans_of.setdefault(customer_id, []).append(row["id"])
    world.subscribers_of.setdefault(plan_id, []).append(row["id"])
    return row


@route("POST /v1/customers/{customer_id}/plans/add", PlanAddParams, writes=True)
def add(world: World, request: Request) -> Reply:
    customer, given = found(world, request.ids["customer_id"]), request.given
    plan = found_plan(world, given["plan_id"])
    start = at_midnight(given["starting_on"], "starting_on")
    end = at_midnight(given.get("ending_before"), "ending_before")
    in_order(start, end)
    if world.switches["overlapping_plans"] == "refuse":
        _refuse_overlap(world, customer["id"], start, end)
    adjustments = [_adjustment(plan, each) for each in given.get("price_adjustments") or []]
    row = put_plan(world, customer["id"], plan["id"], start, end, given.get("net_payment_terms_days"))
    row["price_adjustments"] = adjustments
    world.happened(
        request,
        resource=("customer", customer["id"]),
        action="add_plan",
        after=row,
    )
    return Reply(200, {"data": {"id": row["id"]}})


def _adjustment(plan: Row, given: Row) -> Row:
    """One price adjustment with the charge it is about. Raises ApiError 400."""
    charge_id = uuid_of(given["charge_id"], "price_adjustments.charge_id")
    charge = next((each for each in plan["charges"] if each["id"] == charge_id), None)
    if charge is None:
        raise ApiError(400, "price_adjustments.charge_id is no charge of this plan")
    wanted = "quantity" if given["adjustment_type"] == "quantity" else "value"
    if given.get(wanted) is None:
        raise ApiError(400, f"price_adjustments.{wanted} is required for {given['adjustment_type']}")
    if given["start_period"] < 0:
        raise ApiError(400, "price_adjustments.start_period must not be negative")
    return {**given, "charge_id": charge_id, "charge_type": charge["charge_type"]}


def _refuse_overlap(world: World, customer_id: str, start: str, end: str | None) -> None:
    """Raise ApiError 400 for a time in which the customer has a plan already."""
    for each in (world.customer_plans[plan_id] for plan_id in world.plans_of.get(customer_id, [])):
        until = each["ending_before"]
        if (end is None or each["starting_on"] < end) and (until is None or start < until):
            raise ApiError(400, "The customer has another plan at that time")


def _found_customer_plan(world: World, request: Request) -> tuple[Row, Row]:
    """The customer and the plan that the path names. Raises ApiError 404."""
    customer = found(world, request.ids["customer_id"])
    row = world.customer_plans.get(uuid_of(request.ids["customer_plan_id"], "customer_plan_id"))
    if row is None or row["customer_id"] != customer["id"]:
        raise ApiError(404, "The specified customer plan was not found", code="NotFound")
    return customer, row


@route("POST /v1/customers/{customer_id}/plans/{customer_plan_id}/end", PlanEndParams, writes=True)
def end(world: World, request: Request) -> Reply:
    customer, row = _found_customer_plan(world, request)
    before, until = dict(row), at_midnight(request.given.get("ending_before"), "ending_before")
    if until is not None and until < row["starting_on"]:
        raise ApiError(400, "ending_before must not be before the start of the plan")
    row["ending_before"] = until
    world.happened(
        request,
        resource=("customer", customer["id"]),
        action="end_plan",
        before=before,
        after=dict(row),
    )
    return Reply(200, {})


@route("GET /v1/customers/{customer_id}/plans/{customer_plan_id}/priceAdjustments")
def price_adjustments(world: World, request: Request) -> Reply:
    """A row for each charge and period; a customer plan of the seed has none."""
    _customer, row = _found_customer_plan(world, request)
    shown: dict[tuple[str, float], Row] = {}
    for each in row.get("price_adjustments", []):
        key = each["charge_id"], each["start_period"]
        line = shown.setdefault(
            key,
            {"charge_id": key[0], "charge_type": each["charge_type"], "start_period": key[1], "prices": []},
        )
        names = ("adjustment_type", "tier", "value", "quantity")
        line["prices"].append({name: each[name] for name in names if each.get(name) is not None})
        if each["adjustment_type"] == "quantity":
            line["quantity"] = each["quantity"]
    return Reply(200, query_page(request, list(shown.values())))
