"""What was used: events and seeded daily amounts, measured by billable metrics."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from simulator.amounts import exact
from simulator.checks import UUID, moment_of, rfc3339
from simulator.shapes import LARGEST
from simulator.world import Row, World

Group = tuple[str | None, ...]
DAY_SECONDS = 86_400
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE)


def name_key(name: str) -> str:
    """Under which events that name a customer so are kept; a UUID in lower case."""
    return name.lower() if UUID.fullmatch(name) else name


def customer_of(world: World, name: str) -> Row | None:
    """Whom an event is about: by id, else by the alias as it is held today."""
    key = name_key(name)
    return world.customers.get(key) or world.customers.get(world.alias_holder.get(name, ""))


def keep(world: World, event: Row) -> None:
    """Put an event among those of its name, in order of time, and remember its transaction.

    What is forgotten came first. An invoice that is final keeps its lines.
    """
    world.events_received += 1
    event["number"] = world.events_received
    insort(
        world.events_by_name.setdefault(name_key(event["customer_id"]), []),
        event,
        key=lambda each: each["timestamp"],
    )
    world.event_of_transaction.pop(
        event["transaction_id"], None
    )  # so that they stay in the order of their coming
    world.event_of_transaction[event["transaction_id"]] = event
    if len(world.event_of_transaction) >= 2 * world.keep:
        _forget_all_but(world, world.keep)


def _forget_all_but(world: World, newest: int) -> None:
    world.event_of_transaction = dict(
        islice(world.event_of_transaction.items(), len(world.event_of_transaction) - newest, None)
    )
    ids = {event["id"] for event in world.event_of_transaction.values()}
    for name, events in list(world.events_by_name.items()):
        if kept := [event for event in events if event["id"] in ids]:
            world.events_by_name[name] = kept
        else:
            del world.events_by_name[name]


def events_of(world: World, customer_id: str) -> list[Row]:
    """A customer's events in order of time, by its id and by every alias that it holds today.

    An alias that is the id of another customer means that one.
    """
    aliases = map(name_key, world.customers[customer_id]["ingest_aliases"])
    own = [key for key in aliases if key not in world.customers]
    lists = [world.events_by_name.get(key, []) for key in dict.fromkeys([customer_id, *own])]
    lists = [each for each in lists if each]
    if len(lists) == 1:
        return lists[0]
    return sorted((event for each in lists for event in each), key=lambda event: event["timestamp"])


def text_of(value: Any) -> str | None:
    """A property as filters and groups see it; None where the event has no such property."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number_of(value: Any) -> Decimal | None:
    """A property as a number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 40:
        return None
    text = str(value).strip(" ")
    if NUMBER.fullmatch(text) is None:
        return None
    number = Decimal(text)
    return number if number.is_finite() and abs(number) <= LARGEST else None


def _passes(rule: Row, value: str | None) -> bool:
    if (allowed := rule.get("in_values")) and value not in allowed:
        return False
    return not (refused := rule.get("not_in_values")) or value not in refused


def matches(metric: Row, event: Row) -> bool:
    """Whether the metric counts this event; one without SQL counts none that came before it."""
    if not metric.get("sql") and event.get("number", LARGEST) <= metric.get("events_before", 0):
        return False
    if not _passes(metric.get("event_type_filter") or {}, event["event_type"]):
        return False
    for rule in metric.get("property_filters") or []:
        value = text_of(event["properties"].get(rule["name"]))
        if rule.get("exists") is not None and rule["exists"] != (value is not None):
            return False
        if not _passes(rule, value):
            return False
    return True


def measure(metric: Row, events: Iterable[Row]) -> Decimal | None:
    """The aggregate over events that match, in order of time; None when there is nothing to measure."""
    kind, key = (metric.get("aggregation_type") or "").upper(), metric.get("aggregation_key")
    if kind == "COUNT":
        return Decimal(count) if (count := sum(1 for _ in events)) else None
    found = [event["properties"].get(key) for event in events]
    if kind == "UNIQUE":
        return Decimal(len(different)) if (different := {text_of(each) for each in found} - {None}) else None
    numbers = [number for each in found if (number := _number_of(each)) is not None]
    if not numbers:
        return None
    if kind == "SUM":
        return sum(numbers, Decimal(0))
    if kind == "MAX":
        return max(numbers)
    return numbers[-1] if kind == "LATEST" else None


def grows_no_sums(metric: Row) -> bool:
    """Whether the values of two times don't add up to the value of both together."""
    return (metric.get("aggregation_type") or "").upper() in ("MAX", "LATEST", "UNIQUE")


@dataclass(frozen=True)
class Meter:
    """One customer's usage: events in order of time, and seeded amounts a day from its creation until now.

    `pieces` were loaded, by product: {contract_id, group_values, starting_at, ending_before, quantity}.
    """

    events: Sequence[Row]
    daily: dict[str, float]
    since: datetime
    until: datetime
    pieces: dict[str, list[Row]] = field(default_factory=dict)

    def between(self, metric: Row, start: str, end: str, only: Row | None = None) -> list[Row]:
        """The matching events of a time, `only` those with one of the values of these properties."""
        first = bisect_left(self.events, start, key=lambda event: event["timestamp"])
        last = bisect_left(self.events, end, key=lambda event: event["timestamp"])
        chosen = (event for event in self.events[first:last] if matches(metric, event))
        if only:
            chosen = (
                event
                for event in chosen
                if all(text_of(event["properties"].get(key)) in values for key, values in only.items())
            )
        return list(chosen)

    def value(self, metric: Row, start: str, end: str, only: Row | None = None) -> Decimal | None:
        """The usage of a time; None for none. Seeded amounts carry no properties."""
        measured = measure(metric, self.between(metric, start, end, only))
        seeded = None if only else self._seeded(metric, start, end)
        if measured is None or seeded is None:
            return seeded if measured is None else measured
        if (metric.get("aggregation_type") or "").upper() in ("MAX", "LATEST"):
            return max(measured, seeded)
        return measured + seeded

    def groups(
        self, metric: Row, start: str, end: str, keys: Sequence[str], only: Row | None = None
    ) -> dict[Group, Decimal]:
        """The usage of a time by the values of these properties, in order of the values."""
        parts: dict[Group, list[Row]] = {}
        for event in self.between(metric, start, end, only):
            group = tuple(text_of(event["properties"].get(key)) for key in keys)
            parts.setdefault(group, []).append(event)
        ordered = sorted(parts, key=lambda group: [each or "" for each in group])
        measured = {group: measure(metric, parts[group]) for group in ordered}
        return {group: value for group, value in measured.items() if value is not None}

    def loaded(
        self, product_id: str, contract_id: str, time: tuple[str, str], keys: Sequence[str], only: Row
    ) -> dict[Group, Decimal]:
        """What of a product was loaded for a time, in billed units, by the values of these properties.

        A piece counts evenly over its time. A property that it doesn't tell is taken for one that counts.
        """
        start, end = time
        found: dict[Group, Decimal] = {}
        stop = min(end, rfc3339(self.until))
        for piece in self.pieces.get(product_id, ()):
            begin, last = piece["starting_at"], piece["ending_before"]
            if begin >= stop or last <= start or not _counts(piece["group_values"], only):
                continue
            if piece["contract_id"] not in (None, contract_id):
                continue
            quantity = exact(piece["quantity"])
            if begin < start or last > stop:
                quantity *= _seconds(max(begin, start), min(last, stop)) / _seconds(begin, last)
            group = tuple(piece["group_values"].get(key) for key in keys)
            found[group] = found.get(group, Decimal(0)) + quantity
        return found

    def _seeded(self, metric: Row, start: str, end: str) -> Decimal | None:
        amount = self.daily.get(metric.get("id", ""))
        begin, stop = max(moment_of(start, "start"), self.since), min(moment_of(end, "end"), self.until)
        if amount is None or stop <= begin:
            return None
        if grows_no_sums(metric):
            return exact(amount)
        return exact(amount) * int((stop - begin).total_seconds()) / DAY_SECONDS


def _counts(values: Row, only: Row) -> bool:
    return all(values[key] in wanted for key, wanted in only.items() if key in values)


def _seconds(start: str, end: str) -> Decimal:
    return exact((moment_of(end, "end") - moment_of(start, "start")).total_seconds())


def meter(world: World, customer_id: str, events: Sequence[Row] | None = None) -> Meter:
    """The customer's usage as it is now, or as exactly these events would make it."""
    created = moment_of(world.customers[customer_id]["created_at"], "created_at")
    if events is not None:
        return Meter(events, {}, created, world.now())
    pieces = world.loaded_usage.get(customer_id, {})
    daily = world.daily_usage_of.get(customer_id, {})
    return Meter(events_of(world, customer_id), daily, created, world.now(), pieces)


def quantity(
    world: World, customer_id: str, metric: Row, start: str, end: str, group_values: Row | None = None
) -> Decimal:
    """The usage of a time, zero for none; `group_values` are the values that properties must have."""
    only = {key: [value] for key, value in group_values.items()} if group_values else None
    return meter(world, customer_id).value(metric, start, end, only) or Decimal(0)
