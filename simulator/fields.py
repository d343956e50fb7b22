"""Everything that can carry custom fields, and the rules for their values: reference §3.8."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from simulator.http import ApiError
from simulator.world import Row, World

LONGEST_VALUE = 200


def _contracts(world: World) -> Iterator[Row]:
    return (each for rows in world.contracts_of.values() for each in rows)


def _invoices(world: World) -> Iterator[Row]:
    return (each for rows in world.invoices_of.values() for each in rows)


def _within(parents: Callable[[World], Iterable[Row]], name: str) -> Callable[[World], Iterable[Row]]:
    """What the parents hold in the list of that name."""
    return lambda world: (each for parent in parents(world) for each in parent.get(name) or [])


def _balances(kind: str) -> Callable[[World], Iterable[Row]]:
    return lambda world: (each for each in world.balances.values() if each["kind"] == kind)


def _packages(world: World) -> Iterable[Row]:
    return world.packages.values()


def _plans(world: World) -> Iterable[Row]:
    return world.plans.values()


def _plan_products(world: World) -> Iterator[Row]:
    """The products of Metronome 1.0: there is nothing of them but the charges that name them."""
    for plan in world.plans.values():
        for charge in plan["charges"]:
            fresh = {"id": charge["product_id"], "custom_fields": {}}
            yield plan.setdefault("products", {}).setdefault(charge["product_id"], fresh)


ROWS: dict[str, Callable[[World], Iterable[Row]]] = {
    "alert": lambda world: world.alerts.values(),
    "billable_metric": lambda world: world.billable_metrics.values(),
    "charge": _within(_plans, "charges"),
    "commit": _balances("commit"),
    "contract_credit": _balances("credit"),
    "contract_product": lambda world: world.products.values(),
    "contract": _contracts,
    "credit_grant": lambda world: world.credit_grants.values(),
    "customer_plan": lambda world: world.customer_plans.values(),
    "customer": lambda world: world.customers.values(),
    "discount": _within(_contracts, "discounts"),
    "invoice": _invoices,
    "plan": _plans,
    "professional_service": _within(_contracts, "professional_services"),
    "product": _plan_products,
    "rate_card": lambda world: world.rate_cards.values(),
    "scheduled_charge": _within(_contracts, "scheduled_charges"),
    "subscription": _within(_contracts, "subscriptions"),
    "package_commit": _within(_packages, "commits"),
    "package_credit": _within(_packages, "credits"),
    "package_subscription": _within(_packages, "subscriptions"),
    "package_scheduled_charge": _within(_packages, "scheduled_charges"),
}


def find(world: World, entity: str, entity_id: str) -> Row:
    """The object of that kind, archived or not. Raises ApiError 404."""
    if entity == "customer" and entity_id in world.customers:
        return world.customers[entity_id]
    for row in ROWS[entity](world):
        if row["id"] == entity_id:
            return row
    raise ApiError(404, "The specified entity was not found", code="NotFound")


def check(world: World, entity: str, given: dict[str, str], own_id: str | None = None) -> None:
    """Raises ApiError 400 for unknown keys and long values, 409 for what another object has of a unique key.

    Archived objects hold their values too.
    """
    if given.keys() - {each["key"] for each in world.custom_field_keys if each["entity"] == entity}:
        raise ApiError(400, "Invalid custom field keys")
    if any(len(value) > LONGEST_VALUE for value in given.values()):
        raise ApiError(400, f"custom field values must be at most {LONGEST_VALUE} characters")
    unique = _unique(world, entity) & given.keys()
    if not unique:
        return
    for row in ROWS[entity](world):
        values = row.get("custom_fields") or {}
        for key in unique:
            if values.get(key) == given[key] and row["id"] != own_id:
                raise _taken(key)


def check_together(world: World, entity: str, rows: Iterable[Row]) -> None:
    """Raises ApiError 409 where two that are about to be made have the same value of a unique key."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        for key in _unique(world, entity) & row["custom_fields"].keys():
            if (key, row["custom_fields"][key]) in seen:
                raise _taken(key)
            seen.add((key, row["custom_fields"][key]))


def _unique(world: World, entity: str) -> set[str]:
    rows = (each for each in world.custom_field_keys if each["entity"] == entity)
    return {each["key"] for each in rows if each["enforce_uniqueness"]}


def _taken(key: str) -> ApiError:
    return ApiError(409, f"The value of {key} must be unique", executed=True)


def clear(world: World, entity: str, key: str) -> None:
    """Take a key's values from everything that has one."""
    for row in ROWS[entity](world):
        (row.get("custom_fields") or {}).pop(key, None)
