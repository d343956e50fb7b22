"""When something is charged, and how much: given schedules as single items."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from simulator.agenda import later, months_later
from simulator.amounts import USD, exact, plain
from simulator.checks import in_order, uuid_of
from simulator.http import ApiError
from simulator.shapes import LARGEST
from simulator.world import Row, World

MONTHS = {"MONTHLY": 1, "QUARTERLY": 3, "SEMI_ANNUAL": 6, "ANNUAL": 12}
DAYS = {"DAILY": 1, "WEEKLY": 7}
MOST_ITEMS = 1_000


def step(anchor: str, frequency: str, periods: int) -> str:
    """The instant so many periods after (or, if negative, before) the anchor."""
    if frequency in DAYS:
        return later(anchor, days=DAYS[frequency] * periods)
    return months_later(anchor, MONTHS[frequency] * periods)


def price_of(given: Row, where: str) -> tuple[Decimal, Decimal]:
    """(unit price, quantity) of `amount`, or of `unit_price` and `quantity` together. Raises ApiError 400.

    All three may be given where they match.
    """
    parts = given.keys() & {"unit_price", "quantity"}
    if "amount" in given and len(parts) == 2:
        unit_price, quantity = exact(given["unit_price"]), exact(given["quantity"])
        if plain(unit_price * quantity) != plain(given["amount"]):
            raise ApiError(400, f"{where} amount must be unit_price times quantity")
        return unit_price, quantity
    if "amount" in given and not parts:
        return exact(given["amount"]), Decimal(1)
    if "amount" not in given and len(parts) == 2:
        return exact(given["unit_price"]), exact(given["quantity"])
    raise ApiError(400, f"{where} requires either amount, or unit_price and quantity")


def item(at: str, unit_price: Decimal, quantity: Decimal) -> Row:
    """One item, its amount being what its price and quantity make. Raises ApiError 400 for too much."""
    if abs(unit_price * quantity) > LARGEST:
        raise ApiError(400, "schedule item amount is out of range")
    return {
        "timestamp": at,
        "unit_price": plain(unit_price),
        "quantity": plain(quantity),
        "amount": plain(unit_price * quantity),
    }


def expand(given: Row, contract_start: str | None, contract_end: str | None) -> list[Row]:
    """The items of a given `schedule_items` or `recurring_schedule`, oldest first and without ids.

    They lie within the contract, its end included; None is an open end, or no contract at all.
    Raises ApiError 400.
    """
    single, recurring = given.get("schedule_items"), given.get("recurring_schedule")
    if (single is None) == (recurring is None):
        raise ApiError(400, "a schedule requires either schedule_items or recurring_schedule")
    if recurring is not None:
        items = _recurring(recurring)
    else:
        items = [item(each["timestamp"], *price_of(each, "schedule item")) for each in single]
    if not items:
        raise ApiError(400, "a schedule requires at least one item")
    if len(items) > MOST_ITEMS:
        raise ApiError(400, f"a schedule may have at most {MOST_ITEMS} items")
    for each in items:
        refuse_outside(each["timestamp"], contract_start, contract_end)
    return sorted(items, key=lambda each: each["timestamp"])


def refuse_outside(at: str, contract_start: str | None, contract_end: str | None) -> None:
    """Raise ApiError 400 for an invoice that would lie before or after its contract."""
    if (contract_start and at < contract_start) or (contract_end and at > contract_end):
        raise ApiError(400, "schedule item timestamp must lie within the contract")


def _recurring(given: Row) -> list[Row]:
    """DIVIDED shares the unit price out, DIVIDED_ROUNDED in whole units; the last item takes the rest."""
    start, end = given["starting_at"], given["ending_before"]
    in_order(start, end)
    times = [start]
    while (at := step(start, given["frequency"], len(times))) < end and len(times) <= MOST_ITEMS:
        times.append(at)
    unit_price, quantity = price_of(given, "recurring_schedule")
    if given["amount_distribution"] == "EACH":
        return [item(at, unit_price, quantity) for at in times]
    places = "1" if given["amount_distribution"] == "DIVIDED_ROUNDED" else "0.000001"
    share = (unit_price / len(times)).quantize(Decimal(places), rounding=ROUND_DOWN)
    rest = unit_price - share * (len(times) - 1)
    return [item(at, share, quantity) for at in times[:-1]] + [item(times[-1], rest, quantity)]


def point_in_time(world: World, given: Row, contract_start: str | None, contract_end: str | None) -> Row:
    """A given schedule as the API shows one: its currency, and items with ids."""
    items = expand(given, contract_start, contract_end)
    return {
        "credit_type": credit_type(world, given.get("credit_type_id")),
        "do_not_invoice": given.get("do_not_invoice", False),
        "schedule_items": [{"id": world.new_id(), **each} for each in items],
    }


def credit_type(world: World, given_id: str | None) -> Row:
    """{id, name} of a pricing unit, USD unless given. Raises ApiError 400 for an unknown one."""
    if given_id is None:
        return dict(USD)
    unit = world.pricing_units.get(uuid_of(given_id, "credit_type_id"))
    if unit is None:
        raise ApiError(400, "credit_type_id holds an unknown pricing unit")
    return {"id": unit["id"], "name": unit["name"]}


def edit(
    world: World, customer_id: str, schedule: Row, given: Row, within: tuple[str | None, str | None]
) -> None:
    """Add, update and remove items of a shown schedule in place. Raises ApiError 400 half way: edit a copy.

    An item whose invoice is finalized can't be moved, one with an invoice that is void can't be removed.
    """
    statuses = {each["id"]: each["status"] for each in world.invoices_of.get(customer_id, [])}
    items = {each["id"]: each for each in schedule["schedule_items"]}

    def own(item_id: str, locked: tuple[str, ...], verb: str) -> Row:
        found = items.get(item_id.lower())
        if found is None:
            raise ApiError(400, f"schedule item {item_id} was not found")
        if statuses.get(found.get("invoice_id", "")) in locked:
            raise ApiError(400, f"A schedule item with an invoice that is final can't be {verb}")
        return found

    for each in given.get("update_schedule_items", []):
        old = own(each["id"], ("FINALIZED",), "updated")
        old |= item(each.get("timestamp", old["timestamp"]), *_updated_price(old, each))
    for each in given.get("remove_schedule_items", []):
        del items[own(each["id"], ("FINALIZED", "VOID"), "removed")["id"]]
    for each in given.get("add_schedule_items", []):
        new_id = world.new_id()
        items[new_id] = {
            "id": new_id,
            **item(each["timestamp"], *price_of(each, "schedule item")),
        }
    if len(items) > MOST_ITEMS:
        raise ApiError(400, f"a schedule may have at most {MOST_ITEMS} items")
    for each in items.values():
        refuse_outside(each["timestamp"], *within)
    schedule["schedule_items"] = sorted(items.values(), key=lambda each: each["timestamp"])


def _updated_price(old: Row, given: Row) -> tuple[Decimal, Decimal]:
    if "amount" in given:
        return price_of(given, "schedule item")
    merged = {"unit_price": old["unit_price"], "quantity": old["quantity"], **given}
    return exact(merged["unit_price"]), exact(merged["quantity"])
