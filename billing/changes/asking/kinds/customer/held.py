"""What the mirror knows to be in the way of a request about a customer, and which facts of it count."""

from __future__ import annotations

from typing import Any

from billing.changes.asking.kind import Fact
from billing.changes.oddities import spelled
from billing.changes.refusals import BadInput
from billing.metronome.text import TURNERS
from billing.mirror.resources.customer import queries as mirror

MOST_TOLD = 20
"""So many aliases that others hold are told at once."""
ALIAS_FACTS = {
    "aliases_added": Fact("Aliases added", int, watches="ingest_aliases"),
    "aliases_removed": Fact("Aliases removed", int, watches="ingest_aliases"),
}


def refuse_held_aliases(aliases: list[str], *, own_id: str | None, field: str = "ingest_aliases") -> None:
    """Raise BadInput for a new alias that reads as another, or that another customer holds in the mirror."""
    if turned := next((alias for alias in aliases if TURNERS & set(alias)), ""):
        raise BadInput(f"“{spelled(turned)}” has a character that turns the text around.", field=field)
    taken = [
        f"“{alias}” is held by {holder.name}"
        + (", which is archived and keeps it for ever." if holder.archived_at else ".")
        for alias, holders in mirror.alias_holders(aliases).items()
        for holder in holders
        if str(holder.id) != own_id
    ]
    if taken:
        more = [f"And {len(taken) - MOST_TOLD:,} more are held."] if len(taken) > MOST_TOLD else []
        raise BadInput(" ".join(taken[:MOST_TOLD] + more), field=field)


def refuse_archived(customer: dict[str, Any]) -> None:
    """Raise BadInput for a customer that is archived: Metronome has no way back."""
    if customer["archived_at"]:
        raise BadInput("This customer is archived, and an archived customer can't be changed.")
