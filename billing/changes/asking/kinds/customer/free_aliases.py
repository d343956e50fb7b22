"""That nobody holds the aliases that a call adds: asked live, in as few requests as Metronome's lists allow.

The list takes one `ingest_alias` at a time, or up to 100 `customer_ids`, and shows active and archived
customers apart. So an alias costs two requests; a whole account costs one for every hundred customers.
What the mirror knows chooses the cheaper way, it never vouches that an alias is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from billing.changes.asking.guard import Guarding
from billing.changes.asking.proposal import Guard
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import (
    CustomerRecord,
    customers,
    customers_by_id,
    customers_holding_alias,
)
from billing.metronome.outcomes import ReadFailed
from billing.mirror.resources.customer import queries as mirror

PAGE = 100
SPARE_PAGES = 4
"""Pages that a list may be longer than the mirror has it: the last ones of both states, and what is new."""


class FreeAliases(Guarding):
    """Nobody else holds them, active or archived: Metronome may move an alias without a word."""

    name = "the aliases are free"

    def broken(
        self, gateway: Gateway, values: Sequence[str], *, own_id: str | None, most_requests: int | None
    ) -> list[str]:
        taken = taken_aliases(gateway, values, own_id=own_id, most_requests=most_requests)
        return [
            f"“{alias}” is held by {holder.name} ({holder.id}){_state(holder)} by now."
            for alias, holder in taken.items()
        ]


def free_aliases(added: Sequence[str], *, of: str = "") -> tuple[Guard, ...]:
    """The guard of a call that adds these; `of`: the thing that may hold them."""
    return (Guard(FreeAliases.name, tuple(added), of),) if added else ()


def taken_aliases(
    gateway: Gateway, aliases: Sequence[str], *, own_id: str | None, most_requests: int | None = None
) -> dict[str, CustomerRecord]:
    """Alias → another customer that holds it by now, active or archived, for those that are held.

    Ends at the first that the mirror knew of. With most_requests only what fits into it is asked, so that
    an empty answer proves nothing. Raises GatewayError when Metronome can't be read.
    """
    if known := _held_by_known_customers(gateway, aliases, own_id):
        return known
    each, pages = 2 * len(aliases), _pages_of_the_account(most=2 * len(aliases))
    if pages < each and (most_requests is None or pages <= most_requests):
        try:
            return _read_from_the_whole_list(gateway, aliases, own_id, most_pages=pages)
        except (ListGrew, ReadFailed):  # one odd row spoils a list, not the answer for an alias
            pass
    asked = aliases if most_requests is None else aliases[: most_requests // 2]
    held = {}
    for alias in asked:
        for holder in customers_holding_alias(gateway, alias):
            if holder.id != own_id:
                held[alias] = holder
    return held


class ListGrew(Exception):
    """The lists are longer than the mirror let us think: asking alias by alias is no dearer now."""


def _held_by_known_customers(
    gateway: Gateway, aliases: Sequence[str], own_id: str | None
) -> dict[str, CustomerRecord]:
    """Those still held by a customer of whom the mirror says so: a hundred customers a request."""
    ids = sorted(
        {
            str(holder.id)
            for holders in mirror.alias_holders(aliases).values()
            for holder in holders
            if str(holder.id) != own_id
        }
    )
    for start in range(0, len(ids), PAGE):
        for archived in (False, True):
            records = customers_by_id(gateway, ids[start : start + PAGE], archived=archived)
            if held := _held(aliases, own_id, records):
                return held
    return {}


def _read_from_the_whole_list(
    gateway: Gateway, aliases: Sequence[str], own_id: str | None, *, most_pages: int
) -> dict[str, CustomerRecord]:
    """Active customers first: one that is archived meanwhile is then seen twice, never not at all."""
    held: dict[str, CustomerRecord] = {}
    pages = 0
    for archived in (False, True):
        cursor = None
        while True:
            page = gateway.page(customers(archived=archived), cursor).whole()
            pages += 1
            held |= _held(aliases, own_id, page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
            if pages >= most_pages:
                raise ListGrew
    return held


def _held(
    aliases: Sequence[str], own_id: str | None, records: Sequence[CustomerRecord]
) -> dict[str, CustomerRecord]:
    added = set(aliases)
    return {
        alias: record
        for record in records
        if record.id != own_id
        for alias in record.ingest_aliases
        if alias in added
    }


def _pages_of_the_account(*, most: int) -> int:
    """How many pages the whole account has by the mirror, with some to spare; not counted beyond `most`."""
    return ceil(mirror.count_up_to(most * PAGE) / PAGE) + SPARE_PAGES


def _state(holder: CustomerRecord) -> str:
    return ", which is archived," if holder.archived_at else ""
