"""What alerts on commits, credits and seats look at, as far as their filters let them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from simulator.amounts import exact, plain
from simulator.engine.alerts.readings import Reader, Reading, days_until, in_currency, matches
from simulator.engine.balances.ledger import balance_of, end_of, of_customer, segments_of
from simulator.engine.contracts.seats import assigned, seat_of
from simulator.engine.invoices.statements import waiting
from simulator.world import Row, World


def _balances(
    world: World, alert: Row, customer_id: str, kinds: tuple[str, ...]
) -> Iterator[tuple[Row, list[Row]]]:
    """Commits and credits with their segments in force, as far as an alert's filters let them through."""
    now = world.stamp()
    contracts = {each["id"]: each for each in world.contracts_of.get(customer_id, [])}
    for row in of_customer(world, customer_id):
        contract = contracts.get(row["contract_id"] or "", {})
        schedule = row["access_schedule"]
        segments = [each for each in segments_of(row) if each["starting_at"] <= now < end_of(row, each)]
        if (
            row["kind"] in kinds
            and segments
            and not row["archived_at"]
            and schedule["access_type"] == alert.get("access_type", "SPEND")
            and in_currency(alert, schedule["credit_type"])
            and matches(alert, "Commit" if row["kind"] == "commit" else "ContractCredit", row)
            and matches(alert, "Contract", contract)
            and _specified(alert.get("alert_specifiers"), row, contract)
        ):
            yield row, segments


def _specified(specifiers: list[Row] | None, row: Row, contract: Row) -> bool:
    """Whether one of the specifiers includes a balance and doesn't exclude it again."""

    def fits(each: Row) -> bool:
        names = {"commit": "Commit", "credit": "ContractCredit"}
        if each["entity"] not in ("Contract", "ContractCreditOrCommit", names[row["kind"]]):
            return False
        fields = (contract if each["entity"] == "Contract" else row).get("custom_fields") or {}
        return each["key"] in fields and each.get("value", fields[each["key"]]) == fields[each["key"]]

    def includes(each: Row) -> bool:
        excluded = any(
            all(fits(one) for one in out.get("custom_field_filters", [])) for out in each.get("exclude", [])
        )
        return all(fits(one) for one in each.get("custom_field_filters", [])) and not excluded

    return not specifiers or any(includes(each) for each in specifiers)


def _left(world: World, customer_id: str) -> Callable[[Row], Decimal]:
    """A balance's remainder, less what the customer's drafts are about to deduct."""
    drafts = waiting(world, customer_id)
    return lambda row: exact(balance_of(world, row, waiting=drafts))


def _granted(segments: list[Row]) -> Decimal:
    return sum((exact(each["amount"]) for each in segments), Decimal(0))


def balance(*kinds: str, percentage: bool = False) -> Reader:
    """What all balances of these kinds have left in one sum, or in percent of their segments in force.

    The only balance of a single kind is told by its id.
    """

    def read(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
        left = _left(world, customer_id)
        rows = list(_balances(world, alert, customer_id, kinds))
        rest = sum((left(row) for row, _segments in rows), Decimal(0))
        granted = sum((_granted(segments) for _row, segments in rows), Decimal(0))
        own = rows[0][0]["id"] if len(kinds) == len(rows) == 1 else None
        members = {"remaining_balance": plain(rest)} | ({f"{kinds[0]}_id": own} if own else {})
        if rows and not percentage:
            yield Reading(rest, own, members)
        elif granted:
            yield Reading(rest * 100 / granted, own, members)

    return read


def days(kind: str) -> Reader:
    """Days until each segment in force ends."""

    def read(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
        for row, segments in _balances(world, alert, customer_id, (kind,)):
            for each in segments:
                yield Reading(days_until(world, end_of(row, each)), row["id"], {f"{kind}_id": row["id"]})

    return read


def seats(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    """What each assigned seat of the alert's group has left of what is allocated seat by seat."""
    now, wanted = world.stamp(), alert["seat_filter"]
    for contract in world.contracts_of.get(customer_id, []):
        for subscription in contract.get("subscriptions") or []:
            group = (subscription.get("seat_config") or {}).get("seat_group_key")
            if contract["archived_at"] or group != wanted["seat_group_key"]:
                continue
            for seat_id in assigned(subscription, now):
                if wanted.get("seat_group_value", seat_id) == seat_id:
                    seat = seat_of(world, contract, seat_id, subscription, {"covering_date": now})
                    yield from _of_seat(alert, seat)


def _of_seat(alert: Row, seat: Row) -> Iterator[Reading]:
    for each in seat["balances"]:
        fits = in_currency(alert, {"id": each["credit_type_id"]})
        if fits and each["access_type"] == alert.get("access_type", "SPEND"):
            members = {"seat_id": seat["seat_id"], "remaining_balance": each["balance"]}
            yield Reading(exact(each["balance"]), seat["seat_id"], members)
