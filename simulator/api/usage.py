"""Usage: reference §3.7."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from metronome.types.v1.usage_ingest_params import Usage
from metronome.types.v1.usage_list_params import UsageListParams
from metronome.types.v1.usage_list_with_groups_params import UsageListWithGroupsParams
from metronome.types.v1.usage_search_params import UsageSearchParams

from simulator.agenda import later
from simulator.amounts import plain
from simulator.api.billable_metrics import shown
from simulator.api.customers import found
from simulator.checks import at_midnight, in_order, moment_of, rfc3339, uuid_of
from simulator.engine.contracts import recharges
from simulator.engine.prices import periods
from simulator.engine.prices.usage import Meter, customer_of, keep, matches, meter
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

KEPT_DAYS = 34
MOST_EVENTS = 100
MOST_VALUES = 200
SECONDS = {"HOUR": 3_600, "DAY": 86_400}


@route("POST /v1/ingest", list[Usage], writes=True)
def ingest(world: World, request: Request) -> Reply:
    """Empty answer. One event that doesn't fit refuses them all; a known transaction is passed over."""
    given = request.given
    if not 1 <= len(given) <= MOST_EVENTS:
        raise ApiError(400, f"between 1 and {MOST_EVENTS} events may be sent")
    now = world.stamp()
    oldest = later(now, days=-KEPT_DAYS)
    events = [_event(each, f"[{place}]", now, oldest) for place, each in enumerate(given)]
    kept = []
    for event in events:
        if not is_duplicate(world, event["transaction_id"], oldest):
            keep(world, {"id": world.new_id(), **event})
            kept.append(event["transaction_id"])
    for name in {event["customer_id"] for event in events if event["transaction_id"] in kept}:
        if customer := customer_of(world, name):
            for contract in world.contracts_of.get(customer["id"], []):
                recharges.look(world, contract)
    world.happened(
        request,
        resource=("event", events[0]["transaction_id"]),
        action="ingest",
        after={"transaction_ids": kept},
    )
    return Reply(200)


def _event(given: Row, where: str, now: str, oldest: str) -> Row:
    """One event as it is kept. Raises ApiError 400."""
    for name in ("customer_id", "event_type"):
        if not given[name]:
            raise ApiError(400, f"{where}.{name} must not be empty")
    at = rfc3339(moment_of(given["timestamp"], f"{where}.timestamp"))
    if at > now:
        raise ApiError(400, f"{where}.timestamp lies in the future")
    if at < oldest:
        raise ApiError(400, f"{where}.timestamp is more than {KEPT_DAYS} days ago")
    return {
        "transaction_id": given["transaction_id"],
        "customer_id": given["customer_id"],
        "event_type": given["event_type"],
        "timestamp": at,
        "properties": given.get("properties", {}),
        "processed_at": now,
    }


def is_duplicate(world: World, transaction_id: str, since: str | None = None) -> bool:
    """Whether this transaction came within the last 34 days, or since another instant."""
    earlier = world.event_of_transaction.get(transaction_id)
    return earlier is not None and earlier["processed_at"] >= (since or later(world.stamp(), days=-KEPT_DAYS))


@route("POST /v1/events/search", UsageSearchParams)
def search(world: World, request: Request) -> Reply:
    """A bare array, of events that happened within the last 34 days."""
    oldest, answer = later(world.stamp(), days=-KEPT_DAYS), []
    for transaction_id in dict.fromkeys(request.given["transaction_ids"]):
        event = world.event_of_transaction.get(transaction_id)
        if event is None or event["timestamp"] < oldest:
            continue
        row = {name: value for name, value in event.items() if name != "number"} | {"is_duplicate": False}
        if customer := customer_of(world, event["customer_id"]):
            row["matched_customer"] = {"id": customer["id"], "name": customer["name"]}
        metrics = [each for each in world.billable_metrics.values() if not each.get("archived_at")]
        row["matched_billable_metrics"] = [shown(each) for each in metrics if matches(each, event)]
        answer.append(row)
    return Reply(200, answer)


def found_metric(world: World, metric_id: Any, name: str = "billable_metric_id") -> Row:
    """The metric, archived or not. Raises ApiError 404."""
    metric = world.billable_metrics.get(uuid_of(metric_id, name))
    if metric is None:
        raise ApiError(404, "The specified billable metric was not found", code="NotFound")
    return metric


class Windows:
    """A time cut into hours, days, or not at all; the last piece may be shorter."""

    def __init__(self, start: str, end: str, size: str) -> None:
        self.start, self.end = start, end
        self._from, whole = moment_of(start, "starting_on"), moment_of(end, "ending_before")
        seconds = int((whole - self._from).total_seconds())
        self._seconds = SECONDS.get(size, seconds)
        self.count = -(-seconds // self._seconds)

    def __getitem__(self, place: int) -> tuple[str, str]:
        begin = self._from + timedelta(seconds=place * self._seconds)
        return rfc3339(begin), min(rfc3339(begin + timedelta(seconds=self._seconds)), self.end)

    def place_of(self, at: str) -> int:
        """In which piece an instant lies."""
        return int((moment_of(at, "timestamp") - self._from).total_seconds()) // self._seconds


def _windows(given: Row) -> Windows:
    start = at_midnight(given["starting_on"], "starting_on")
    end = at_midnight(given["ending_before"], "ending_before")
    in_order(start, end)
    return Windows(given["starting_on"], given["ending_before"], given["window_size"])


def _own_group(metric: Row, keys: list[str], where: str) -> None:
    """Raise ApiError 400 for keys that are no group key of the metric as a whole."""
    if sorted(keys) not in [sorted(each) for each in metric.get("group_keys") or []]:
        raise ApiError(400, f"{where} must be a group key of the billable metric")


@route("POST /v1/usage", UsageListParams)
def list_usage(world: World, request: Request) -> Reply:
    """Every active customer and metric unless some are named; a row for each window, null for no usage."""
    given = request.given
    windows = _windows(given)
    if (named := given.get("customer_ids")) is not None:
        customers = list(dict.fromkeys(found(world, each, "customer_ids")["id"] for each in named))
    else:
        customers = [each for each in world.customer_order if not world.customers[each]["archived_at"]]
    metrics: list[tuple[Row, Row]] = []
    if (asked := given.get("billable_metrics")) is not None:
        for each in asked:
            metric, group = found_metric(world, each["id"], "billable_metrics.id"), each.get("group_by", {})
            if group:
                _own_group(metric, [group["key"]], "group_by.key")
                _few_values(group.get("values", []))
            metrics.append((metric, group))
    else:
        metrics = [(each, {}) for each in world.billable_metrics.values() if not each.get("archived_at")]
    meters: dict[str, Meter] = {}

    def show(number: int) -> Row:
        number, place = divmod(number, windows.count)
        customer, (metric, group) = customers[number // len(metrics)], metrics[number % len(metrics)]
        if customer not in meters:
            meters[customer] = meter(world, customer)
        start, end = windows[place]
        value = meters[customer].value(metric, start, end)
        row = {
            "customer_id": customer,
            "billable_metric_id": metric["id"],
            "billable_metric_name": metric["name"],
            "start_timestamp": start,
            "end_timestamp": end,
            "value": None if value is None else plain(value),
        }
        if group:
            parts = meters[customer].groups(metric, start, end, [group["key"]])
            by_value = {name: plain(part) for (name,), part in parts.items() if name is not None}
            chosen = group.get("values") or list(by_value)[:MOST_VALUES]
            row["groups"] = {name: by_value.get(name) for name in chosen}
        return row

    return Reply(200, query_page(request, range(len(customers) * len(metrics) * windows.count), show=show))


def _few_values(values: list[str]) -> None:
    if len(values) > MOST_VALUES:
        raise ApiError(400, f"at most {MOST_VALUES} group values may be given")


@route("POST /v1/usage/groups", UsageListWithGroupsParams)
def list_with_groups(world: World, request: Request) -> Reply:
    """One row a window; with a group key one row a window and group that had usage."""
    given = request.given
    customer = found(world, given["customer_id"])
    metric = found_metric(world, given["billable_metric_id"])
    keys, only = _grouping(metric, given)
    windows = _period(world, customer, given)
    usage = meter(world, customer["id"])
    if not keys:

        def show(place: int) -> Row:
            start, end = windows[place]
            value = usage.value(metric, start, end)
            return {
                "starting_on": start,
                "ending_before": end,
                "group_key": None,
                "group_value": None,
                "value": None if value is None else plain(value),
            }

        return Reply(200, query_page(request, range(windows.count), show=show))
    rows = []
    events = usage.between(metric, windows.start, windows.end, only)
    for place in sorted({windows.place_of(event["timestamp"]) for event in events}):
        start, end = windows[place]
        for group, value in usage.groups(metric, start, end, keys, only).items():
            row = {"starting_on": start, "ending_before": end}
            row |= (
                {"group_key": keys[0], "group_value": group[0]}
                if len(keys) == 1
                else {
                    "group_key": None,
                    "group_value": None,
                }
            )
            row["group"] = {key: each for key, each in zip(keys, group, strict=True) if each is not None}
            rows.append({**row, "value": plain(value)})
    return Reply(200, query_page(request, rows))


def _grouping(metric: Row, given: Row) -> tuple[list[str], Row]:
    """The keys to group by, and the values that count by key. Raises ApiError 400."""
    keys, single, filters = given.get("group_key"), given.get("group_by"), given.get("group_filters", {})
    if keys is not None and single is not None:
        raise ApiError(400, "group_key can't be used together with group_by")
    if single is not None:
        keys, filters = [single["key"]], {single["key"]: single.get("values", [])}
    keys = keys or []
    if len(set(keys)) < len(keys):
        raise ApiError(400, "group_key holds a key twice")
    if keys:
        _own_group(metric, keys, "group_key")
    if filters.keys() - set(keys):
        raise ApiError(400, "group_filters holds a key that is not in group_key")
    _few_values([value for values in filters.values() for value in values])
    return keys, {key: values for key, values in filters.items() if values}


def _period(world: World, customer: Row, given: Row) -> Windows:
    """The time asked for, or the current billing period. Raises ApiError 400."""
    dates = [name for name in ("starting_on", "ending_before") if name in given]
    if not given.get("current_period"):
        if len(dates) < 2:
            raise ApiError(400, "starting_on and ending_before are required unless current_period is true")
        return _windows(given)
    if dates:
        raise ApiError(400, "current_period can't be used together with starting_on and ending_before")
    current = periods.current(world, customer["id"])
    if current is None:
        raise ApiError(400, "The customer has no active contract or plan")
    return Windows(*current, given["window_size"])
