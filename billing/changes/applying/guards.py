"""Who holds the aliases that a request adds: asked live, in as few requests as Metronome's lists allow.

The list takes one `ingest_alias` at a time, or up to 100 `customer_ids`, and shows active and archived
customers apart. So an alias costs two requests; a whole account costs one for every hundred customers.
What the mirror knows chooses the cheaper way, it never vouches that an alias is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from billing.changes.sealed import SealedRequest
from billing.metronome.client import Gateway
from billing.metronome.outcomes import ReadFailed
from billing.metronome.records import CustomerRecord
from billing.mirror import queries as mirror

PAGE = 100
SPARE_PAGES = 4
"""Pages that a list may be longer than the mirror has it: the last ones of both states, and what is new."""
MOST_OF_A_CHECK = 20
"""Requests that the guards of a check may cost: anybody who opens a request's page asks for one."""


def taken_aliases(
    gateway: Gateway, request: SealedRequest, *, most_requests: int | None = None
) -> dict[str, CustomerRecord]:
    """Alias → another customer that holds it by now, active or archived, for those that are held.

    Ends at the first that the mirror knew of. With most_requests only what fits into it is asked, so that
    an empty answer proves nothing. Raises GatewayError when Metronome can't be read.
    """
    aliases = request.added_aliases
    if not aliases:
        return {}
    if known := _held_by_known_customers(gateway, request):
        return known
    each, pages = 2 * len(aliases), _pages_of_the_account(most=2 * len(aliases))
    if pages < each and (most_requests is None or pages <= most_requests):
        try:
            return _read_from_the_whole_list(gateway, request, most_pages=pages)
        except (ListGrew, ReadFailed):  # one odd row spoils a list, not the answer for an alias
            pass
    asked = aliases if most_requests is None else aliases[: most_requests // 2]
    held = {}
    for alias in asked:
        for holder in gateway.customers_holding_alias(alias):
            if holder.id != request.customer_id:
                held[alias] = holder
    return held


class ListGrew(Exception):
    """The lists are longer than the mirror let us think: asking alias by alias is no dearer now."""


def _held_by_known_customers(gateway: Gateway, request: SealedRequest) -> dict[str, CustomerRecord]:
    """Those still held by a customer of whom the mirror says so: a hundred customers a request."""
    ids = sorted(
        {
            str(holder.id)
            for holders in mirror.alias_holders(request.added_aliases).values()
            for holder in holders
            if str(holder.id) != request.customer_id
        }
    )
    for start in range(0, len(ids), PAGE):
        for archived in (False, True):
            records = gateway.customers_by_id(ids[start : start + PAGE], archived=archived)
            if held := _held(request, records):
                return held
    return {}


def _read_from_the_whole_list(
    gateway: Gateway, request: SealedRequest, *, most_pages: int
) -> dict[str, CustomerRecord]:
    """Active customers first: one that is archived meanwhile is then seen twice, never not at all."""
    held: dict[str, CustomerRecord] = {}
    pages = 0
    for archived in (False, True):
        cursor = None
        while True:
            page = gateway.customers_page(archived=archived, cursor=cursor).whole()
            pages += 1
            held |= _held(request, page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
            if pages >= most_pages:
                raise ListGrew
    return held


def _held(request: SealedRequest, records: Sequence[CustomerRecord]) -> dict[str, CustomerRecord]:
    added = set(request.added_aliases)
    return {
        alias: record
        for record in records
        if record.id != request.customer_id
        for alias in record.ingest_aliases
        if alias in added
    }


def _pages_of_the_account(*, most: int) -> int:
    """How many pages the whole account has by the mirror, with some to spare; not counted beyond `most`."""
    return ceil(mirror.count_up_to(most * PAGE) / PAGE) + SPARE_PAGES
