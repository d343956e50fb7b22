"""What contracts cost and had over time: rates, quantities and seats of subscriptions (reference §3.4)."""

from __future__ import annotations

from typing import Any

from metronome.types.v1.contract_get_subscription_seats_history_params import (
    ContractGetSubscriptionSeatsHistoryParams,
)
from metronome.types.v1.contract_retrieve_rate_schedule_params import ContractRetrieveRateScheduleParams
from metronome.types.v1.contract_retrieve_subscription_quantity_history_params import (
    ContractRetrieveSubscriptionQuantityHistoryParams,
)

from simulator.amounts import plain
from simulator.api import rates
from simulator.api.contracts import found
from simulator.checks import in_order, uuid_of
from simulator.engine.contracts.subscriptions import bounded
from simulator.engine.prices import pricing
from simulator.http import ApiError, Reply, Request
from simulator.paging import body_page, query_page
from simulator.routing import route
from simulator.world import Row, World


@route("POST /v1/contracts/getContractRateSchedule", ContractRetrieveRateScheduleParams)
def rate_schedule(world: World, request: Request) -> Reply:
    """The rates that the contract is entitled to at one instant, now by default: listed and overridden."""
    given, contract = request.given, found(world, request)
    at, selectors = given.get("at") or world.stamp(), rates.selectors_of(given)
    card = world.rate_cards.get(contract.get("rate_card_id") or "")
    rows = [
        (rate, effective)
        for rate in (rates.in_card_order(world, card) if card else [])
        if pricing.covers(rate, at) and rates.selected(world, rate, selectors)
        if (effective := _effective(world, contract, rate, at)) and effective["entitled"]
    ]
    return Reply(200, query_page(request, rows, show=lambda row: _shown(world, contract, *row)))


def _effective(world: World, contract: Row, rate: Row, at: str) -> Row | None:
    values, frequency = rate.get("pricing_group_values"), rate.get("billing_frequency")
    return pricing.contract_rate(world, contract, rate["product_id"], at, values, frequency)


def _shown(world: World, contract: Row, rate: Row, effective: Row) -> Row:
    row = rates.item(world, rate)
    row |= {"list_rate": row.pop("rate"), "rate_card_id": contract["rate_card_id"], "entitled": True}
    override = rates.priced(effective)
    return row if override == row["list_rate"] else row | {"override_rate": override}


def _subscription(world: World, request: Request) -> tuple[Row, Row]:
    """(contract, its subscription that the request names). Raises ApiError 400 or 404."""
    contract = found(world, request)
    wanted = uuid_of(request.given["subscription_id"], "subscription_id")
    for each in contract["subscriptions"]:
        if each["id"] == wanted:
            return contract, each
    raise ApiError(400, "The specified subscription was not found on the contract")


@route("POST /v1/contracts/getSubscriptionQuantityHistory", ContractRetrieveSubscriptionQuantityHistoryParams)
def quantity_history(world: World, request: Request) -> Reply:
    """Quantities and prices until now, an entry wherever one of them changed."""
    contract, subscription = _subscription(world, request)
    product_id = subscription["subscription_rate"]["product"]["id"]
    starts = {each["starting_at"] for each in subscription["quantity_schedule"]}
    starts |= {
        each["starting_at"]
        for each in [*world.rates_of.get(contract["rate_card_id"], []), *contract["overrides"]]
        if each["starting_at"] > subscription["starting_at"] and each.get("product_id") in (None, product_id)
    }
    history: list[Row] = []
    for at in sorted(each for each in starts if each <= world.stamp()):
        entry = _costs(world, contract, subscription, at)
        if not history or history[-1]["data"] != entry:
            history.append({"starting_at": at, "data": entry})
    names = ("fiat_credit_type_id", "custom_credit_type_id")
    units = {name: subscription[name] for name in names if name in subscription}
    return Reply(200, {"data": {"subscription_id": subscription["id"], "history": history, **units}})


def _costs(world: World, contract: Row, subscription: Row, at: str) -> list[Row]:
    rate_of = subscription["subscription_rate"]
    rate = pricing.contract_rate(
        world, contract, rate_of["product"]["id"], at, None, rate_of["billing_frequency"]
    )
    held = [each["quantity"] for each in subscription["quantity_schedule"] if each["starting_at"] <= at]
    total = pricing.price(rate, held[-1]) if rate else 0
    unit_price = pricing.price(rate, 1) if rate else 0
    return [{"quantity": held[-1], "unit_price": plain(unit_price), "total": plain(total)}]


@route("POST /v1/contracts/getSubscriptionSeatsHistory", ContractGetSubscriptionSeatsHistoryParams)
def seats_history(world: World, request: Request) -> Reply:
    """Entries that touch the time asked for, future ones too; `cursor` comes back as `next_page`."""
    given = request.given
    covering, since, until = (given.get(name) for name in ("covering_date", "starting_at", "ending_before"))
    if covering is not None and (since is not None or until is not None):
        raise ApiError(400, "covering_date can't be combined with starting_at or ending_before")
    in_order(since, until)
    _contract, subscription = _subscription(world, request)
    if "seat_schedule" not in subscription:
        raise ApiError(400, "The subscription has no seats: it isn't SEAT_BASED")
    rows = bounded([dict(each) for each in subscription["seat_schedule"]])

    def keep(row: Row) -> bool:
        if covering is not None:
            return pricing.covers(row, covering)
        end = row.get("ending_before")
        return not (since is not None and end and end < since) and (
            until is None or row["starting_at"] <= until
        )

    page: dict[str, Any] = body_page(request, rows, cursor="cursor", most=10, keep=keep, show=_seats)
    return Reply(200, {"data": page["data"], "next_page": page["cursor"]})


def _seats(row: Row) -> Row:
    return {
        "starting_at": row["starting_at"],
        "ending_before": row.get("ending_before"),
        "assigned_seat_ids": row["seat_ids"],
        "total_quantity": len(row["seat_ids"]) + row["unassigned"],
    }
