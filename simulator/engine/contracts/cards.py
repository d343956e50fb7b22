"""Rate cards as others find them: by id, or by an alias as of an instant; so are packages."""

from __future__ import annotations

from typing import Any

from simulator.checks import in_order, uuid_of
from simulator.http import ApiError
from simulator.world import Row, World


def found(world: World, rate_card_id: Any, name: str = "rate_card_id") -> Row:
    """The rate card, archived or not. Raises ApiError 404."""
    card = world.rate_cards.get(uuid_of(rate_card_id, name))
    if card is None:
        raise ApiError(404, "The specified rate card was not found", code="NotFound")
    return card


def changeable(world: World, rate_card_id: Any) -> Row:
    """The rate card, if it isn't archived. Raises ApiError 404 or 400."""
    card = found(world, rate_card_id)
    if card["archived_at"]:
        raise ApiError(400, "Rate card is archived")
    return card


def checked_aliases(given: list[Row]) -> list[Row]:
    """Aliases of a rate card or a package: a name each, and times in order. Raises ApiError 400."""
    for alias in given:
        if not alias["name"]:
            raise ApiError(400, "aliases.name must not be empty")
        in_order(alias.get("starting_at"), alias.get("ending_before"), "aliases.ending_before")
    return given


def next_alias_number(owners: dict[str, Row]) -> int:
    """Aliases given later beat those given before."""
    return max((each["alias_number"] for each in owners.values()), default=0) + 1


def holder(owners: dict[str, Row], alias: str, at: str) -> Row | None:
    """The rate card (or package) that has this alias at an instant: of several, the one given it last."""
    holders = [
        owner
        for owner in owners.values()
        if not owner["archived_at"]
        and any(
            each["name"] == alias
            and each.get("starting_at", "") <= at
            and (each.get("ending_before") is None or at < each["ending_before"])
            for each in owner["aliases"]
        )
    ]
    return max(holders, key=lambda owner: owner["alias_number"], default=None)
