"""Recurring commits and credits: the row on the contract, and the commit that it makes each period.

The first commit is made when the recurring one starts. A period that is cut by its own start or end is
paid for in part where `proration` says so (by default at both ends).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulator.agenda import due, plan
from simulator.amounts import exact, plain, rounded
from simulator.checks import moment_of
from simulator.engine.balances.ledger import enter, segments_of
from simulator.engine.balances.seat_shares import assigned
from simulator.engine.contracts import commits
from simulator.engine.contracts.terms import Names, checked_rounding, kept, named, product_of, span
from simulator.engine.prices.periods import containing
from simulator.engine.prices.schedules import credit_type
from simulator.http import ApiError
from simulator.world import Row, World

MOST_AT_ONCE = 1_000
SEAT_BASED = "SEAT_BASED_ADJUSTMENT"
NO_UNIT = "00000000-0000-0000-0000-000000000000"
PASSED_DOWN = ("applicable_product_ids", "applicable_product_tags", "specifiers", "description", "name")
PASSED_DOWN += ("netsuite_sales_order_id", "rollover_fraction", "hierarchy_configuration", "priority")


def recurring(world: World, contract: Row, given: Row, kind: str, names: Names) -> Row:
    """A recurring "commit" or "credit"; `names` are the subscriptions that it may hang on.

    Raises ApiError 400.
    """
    if given["starting_at"] < contract["starting_at"]:
        raise ApiError(
            400, "contract starting at date must be at or before recurring commit starting at date"
        )
    if given.get("specifiers") and (
        given.get("applicable_product_ids") or given.get("applicable_product_tags")
    ):
        raise ApiError(400, "specifiers can't be combined with applicable products or tags")
    if not 0 <= given.get("rollover_fraction", 0) <= 1:
        raise ApiError(400, "rollover_fraction must be between 0 and 1")
    if given["commit_duration"]["value"] not in range(1, MOST_AT_ONCE + 1):
        raise ApiError(400, f"commit_duration.value must be a whole number from 1 to {MOST_AT_ONCE}")
    frequency = given.get("recurrence_frequency")
    anchor = contract["usage_statement_schedule"]["billing_anchor_date"]
    row = {
        "id": world.new_id(),
        "contract": {"id": contract["id"]},
        "product": product_of(world, given["product_id"], "FIXED"),
        "commit_duration": {"unit": "PERIODS", **given["commit_duration"]},
        "anchor_date": given["starting_at"] if frequency else anchor,
        "rate_type": given.get("rate_type", "COMMIT_RATE"),
        "proration": given.get("proration", "FIRST_AND_LAST"),
        **span(given, f"recurring {kind}"),
        **kept(given, "recurrence_frequency", *PASSED_DOWN),
        **_rounding(given),
        **_subscription(contract, given, names),
    }
    row["access_amount"] = _amount(world, given["access_amount"], "subscription_config" in row)
    if "invoice_amount" in given:
        row["invoice_amount"] = _amount(world, given["invoice_amount"], False)
    if len(_begun(contract, row, row["starting_at"], world.stamp())) > MOST_AT_ONCE:
        raise ApiError(400, f"a recurring {kind} may have begun at most {MOST_AT_ONCE} periods ago")
    _prepared(world, contract, row, kind, row["starting_at"])  # what it makes must be possible later on
    return row


def _rounding(given: Row) -> Row:
    rounding = given.get("proration_rounding") or {}
    checked = {**checked_rounding(rounding, "access"), **checked_rounding(rounding, "invoice")}
    return {"proration_rounding": checked} if checked else {}


def _amount(world: World, given: Row, by_seats: bool) -> Row:
    if not by_seats and "quantity" not in given:
        raise ApiError(400, "access_amount.quantity is required without a subscription")
    if given["unit_price"] < 0 or given.get("quantity", 0) < 0:
        raise ApiError(400, "recurring amounts must not be negative")
    by_quantity = given.get("access_type") == "QUANTITY"
    unit = NO_UNIT if by_quantity else credit_type(world, given.get("credit_type_id"))["id"]
    return {"credit_type_id": unit, **kept(given, "unit_price", "quantity", "access_type")}


def _subscription(contract: Row, given: Row, names: Names) -> Row:
    if "subscription_config" not in given:
        return {}
    if given.get("recurrence_frequency") == "DAILY":
        raise ApiError(400, "a daily recurring commit can't hang on a subscription")
    config = {"allocation": "POOLED", **given["subscription_config"]}
    config["subscription_id"] = named(names, config["subscription_id"], "subscription")
    own = next(each for each in contract["subscriptions"] if each["id"] == config["subscription_id"])
    if config["allocation"] == "INDIVIDUAL" and own["quantity_management_mode"] != "SEAT_BASED":
        raise ApiError(400, "allocation INDIVIDUAL requires a SEAT_BASED subscription")
    return {"subscription_config": config}


def updated(world: World, contract: Row, row: Row, given: Row, kind: str) -> Row:
    """A copy with what edit's `update_recurring_…` says; commits that were made stay. Raises ApiError 400."""
    row = {**row, **kept(given, "rate_type")}
    for name in ("access_amount", "invoice_amount"):
        if name not in given:
            continue
        if name not in row:
            raise ApiError(400, f"the recurring commit has no {name}")
        if any(value < 0 for value in given[name].values()):
            raise ApiError(400, "recurring amounts must not be negative")
        row[name] = {**row[name], **given[name]}
    if "ending_before" in given:
        end = given["ending_before"]
        row = {**row, "ending_before": end} | span({**row, "ending_before": end}, "recurring commit")
    if "proration_rounding" in given:
        row = {**row, "proration_rounding": None, **_rounding(given)}
    row = {name: value for name, value in row.items() if value is not None}
    _prepared(world, contract, row, kind, row["starting_at"])
    return row


def _frequency(contract: Row, row: Row) -> str:
    return row.get("recurrence_frequency") or contract["usage_statement_schedule"]["frequency"]


def _end(contract: Row, row: Row) -> str | None:
    ends = [each["ending_before"] for each in (contract, row) if each.get("ending_before")]
    return min(ends, default=None)


def _begun(contract: Row, row: Row, since: str, now: str) -> list[str]:
    """The starts of its periods from an instant until now, the first being cut at its own start."""
    end, starts = _end(contract, row), []
    while since <= now and (end is None or since < end) and len(starts) <= MOST_AT_ONCE:
        starts.append(since)
        since = _next(contract, row, since)
    return starts


def _next(contract: Row, row: Row, after: str) -> str:
    return containing(row["anchor_date"], _frequency(contract, row), after)[1]


def begin(world: World, contract: Row, row: Row, kind: str) -> None:
    """Make the commits of every period that has begun, and plan the next one."""
    now = world.stamp()
    starts = _begun(contract, row, row["starting_at"], now)
    for start in starts:
        commits.store(world, _prepared(world, contract, row, kind, start))
    onward = row["starting_at"] if row["starting_at"] > now else _next(contract, row, now)
    plan(world, onward, "recurring.period", contract_id=contract["id"], recurring_id=row["id"], balance=kind)


def can_go_on(world: World, row: Row) -> bool:
    """Whether its product and its units are known."""
    amounts = [row[name] for name in ("access_amount", "invoice_amount") if row.get(name)]
    units = {each["credit_type_id"] for each in amounts if each.get("access_type") != "QUANTITY"}
    return row["product"]["id"] in world.products and units <= world.pricing_units.keys()


def resume(world: World, contract: Row) -> None:
    """Plan the next period of everything that recurs; of what has begun the commits are there already."""
    now = world.stamp()
    for kind in ("commit", "credit"):
        for row in contract.get(f"recurring_{kind}s", []):
            if can_go_on(world, row):
                onward = row["starting_at"] if row["starting_at"] > now else _next(contract, row, now)
                about = {"contract_id": contract["id"], "recurring_id": row["id"], "balance": kind}
                plan(world, onward, "recurring.period", **about)
    _foresee_seats(world, contract)


@due("recurring.period")
def period(world: World, *, contract_id: str, recurring_id: str, balance: str) -> None:
    """A period begins: make its commit, unless it has ended, and plan the next: its end may move again."""
    customer_id, now = world.customer_of_contract[contract_id], world.stamp()
    contract = next(each for each in world.contracts_of[customer_id] if each["id"] == contract_id)
    row = next((each for each in contract[f"recurring_{balance}s"] if each["id"] == recurring_id), None)
    if row is None or contract["archived_at"]:
        return
    is_made = any(
        made.get(f"recurring_{balance}_id") == recurring_id and segments_of(made)[0]["starting_at"] == now
        for made in commits.of_customer(world, customer_id)
    )
    if not is_made and ((end := _end(contract, row)) is None or now < end):
        commits.store(world, _prepared(world, contract, row, balance, now))
    about = {"contract_id": contract_id, "recurring_id": recurring_id, "balance": balance}
    plan(world, _next(contract, row, now), "recurring.period", **about)


def _prepared(world: World, contract: Row, row: Row, kind: str, start: str) -> Row:
    """The commit or credit of the period that begins (or is joined) at an instant, not stored yet."""
    share, end = _share(contract, row, start)
    access = row["access_amount"]
    quantity = access["quantity"] if "quantity" in access else _seats(contract, row, start)
    amount = _rounded(exact(access["unit_price"]) * exact(quantity) * share, row, "access", share)
    given: Row = {
        "product_id": row["product"]["id"],
        "rate_type": row["rate_type"],
        **kept(row, *PASSED_DOWN),
        "access_schedule": {
            **kept(access, "credit_type_id", "access_type"),
            "schedule_items": [{"amount": amount, "starting_at": start, "ending_before": end}],
        },
    }
    if kind == "commit":
        given["type"] = "PREPAID"
        if bill := row.get("invoice_amount"):
            cost = _rounded(
                exact(bill["unit_price"]) * exact(bill["quantity"]) * share, row, "invoice", share
            )
            given["invoice_schedule"] = {
                "credit_type_id": bill["credit_type_id"],
                "schedule_items": [{"timestamp": start, "amount": cost}],
            }
    made = commits.prepare(world, None, contract["customer_id"], given, kind, contract)
    made[f"recurring_{kind}_id"] = row["id"]
    return made | kept(row, "subscription_config")


def _share(contract: Row, row: Row, start: str) -> tuple[Decimal, str]:
    """How much of the period is paid for, and where the access of its commit ends.

    A last period that is paid for in part ends with what it is the last of, unless its commit lasts longer.
    """
    frequency = _frequency(contract, row)
    since, until = containing(row["anchor_date"], frequency, start)
    last = _end(contract, row)
    first_is_cut, last_is_cut = start > since, last is not None and last < until
    begin = start if first_is_cut and row["proration"] in ("FIRST", "FIRST_AND_LAST") else since
    stop = last if last_is_cut and row["proration"] in ("LAST", "FIRST_AND_LAST") else until
    share = _seconds(begin, stop) / _seconds(since, until)
    periods = int(row["commit_duration"]["value"])
    for _more in range(periods - 1):
        until = containing(row["anchor_date"], frequency, until)[1]
    return share, stop if periods == 1 else until


def _seconds(start: str, end: Any) -> Decimal:
    return exact((moment_of(end, "end") - moment_of(start, "start")).total_seconds())


def _rounded(amount: Decimal, row: Row, which: str, share: Decimal) -> int | float:
    """A prorated amount, rounded as the recurring commit says."""
    rule = (row.get("proration_rounding") or {}).get(which)
    return plain(amount if share == 1 else rounded(amount, rule))


def _seats(contract: Row, row: Row, at: str) -> int | float:
    """The quantity of the subscription that it hangs on; of single seats those that are somebody's."""
    subscription = _subscription_of(contract, row)
    if row["subscription_config"]["allocation"] == "INDIVIDUAL":
        return len(assigned(subscription, at))
    schedule = subscription["quantity_schedule"]
    held = [each["quantity"] for each in schedule if each["starting_at"] <= at]
    return held[-1] if held else 0


def _subscription_of(contract: Row, row: Row) -> Row:
    wanted = row["subscription_config"]["subscription_id"]
    return next(each for each in contract["subscriptions"] if each["id"] == wanted)


def seats_changed(world: World, contract: Row) -> None:
    """A contract's subscriptions may have changed: commits that hang on one follow, now and later."""
    if _foresee_seats(world, contract):
        _follow_seats(world, contract)


def _foresee_seats(world: World, contract: Row) -> bool:
    """Plan each change of a subscription that commits hang on; whether there is one."""
    held = {
        row["subscription_config"]["subscription_id"]
        for kind in ("commit", "credit")
        for row in contract.get(f"recurring_{kind}s", [])
        if _follows(row)
    }
    now = world.stamp()
    for each in contract["subscriptions"]:
        for entry in each["quantity_schedule"] if each["id"] in held else []:
            if entry["starting_at"] > now:
                plan(world, entry["starting_at"], "recurring.seats", contract_id=contract["id"])
    return bool(held)


@due("recurring.seats")
def seats(world: World, *, contract_id: str) -> None:
    """The quantity of a subscription changes."""
    contract = next(
        each
        for each in world.contracts_of[world.customer_of_contract[contract_id]]
        if each["id"] == contract_id
    )
    if not contract["archived_at"]:
        _follow_seats(world, contract)


def _follows(row: Row) -> bool:
    """Whether more seats are worth more of it."""
    return bool(row.get("subscription_config")) and "quantity" not in row["access_amount"]


def _follow_seats(world: World, contract: Row) -> None:
    """Give each commit what more seats within its period are worth, once; fewer take nothing away."""
    for kind in ("commit", "credit"):
        rows = {row["id"]: row for row in contract.get(f"recurring_{kind}s", []) if _follows(row)}
        for made in commits.of_customer(world, contract["customer_id"]):
            row = rows.get(made.get(f"recurring_{kind}_id") or "")
            if row is not None and not made["archived_at"]:
                _adjust(world, contract, row, made)


def _increases(contract: Row, row: Row, since: str) -> list[tuple[str, int | float, list[str]]]:
    """(when, how many more seats than ever before since an instant, who they are if they are single)."""
    subscription, found = _subscription_of(contract, row), []
    if row["subscription_config"]["allocation"] == "INDIVIDUAL":
        known = set(assigned(subscription, since))
        for entry in subscription.get("seat_schedule") or []:
            fresh = [each for each in entry["seat_ids"] if each not in known]
            if entry["starting_at"] > since and fresh:
                known.update(fresh)
                found.append((entry["starting_at"], len(fresh), fresh))
        return found
    most = _seats(contract, row, since)
    for entry in subscription["quantity_schedule"]:
        if entry["starting_at"] > since and entry["quantity"] > most:
            found.append((entry["starting_at"], entry["quantity"] - most, []))
            most = entry["quantity"]
    return found


def _adjust(world: World, contract: Row, row: Row, made: Row) -> None:
    (segment, *_more), now = segments_of(made), world.stamp()
    start, until = containing(row["anchor_date"], _frequency(contract, row), segment["starting_at"])
    known = {each["timestamp"] for each in made["ledger"] if each["type"].endswith(SEAT_BASED)}
    for at, more, seats in _increases(contract, row, segment["starting_at"]):
        if not at < until or at > now:
            continue
        prorated = row["subscription_config"]["apply_seat_increase_config"]["is_prorated"]
        share = _seconds(at, until) / _seconds(start, until) if prorated else Decimal(1)
        amount = _rounded(
            exact(row["access_amount"]["unit_price"]) * exact(more) * share, row, "access", share
        )
        if at not in known and amount:
            each = {seat: plain(exact(amount) / len(seats)) for seat in seats}
            enter(
                made, SEAT_BASED, segment, exact(amount), at, **({"per_group_amounts": each} if each else {})
            )
