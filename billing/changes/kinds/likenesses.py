"""Names and aliases that people take for another's: what is refused, and what is said of the rest."""

from __future__ import annotations

import re

from billing.changes.oddities import MOST_NAMED
from billing.changes.proposals import Caution
from billing.changes.refusals import BadInput
from billing.lists.text import folded
from billing.mirror import likeness

_REFERENCE = re.compile(r"cr-?\d{1,9}")


def namesake_cautions(name: str, *, own_id: str = "") -> list[Caution]:
    """A name that other customers have already, or one that looks like theirs."""
    cautions = []
    if named := [other for other in likeness.customers_named(name) if str(other.id) != own_id]:
        cautions.append(Caution("warn", "The name is taken.", f"{_number(len(named))} called so already."))
    if alike := [other for other in likeness.customers_that_look_named(name) if str(other.id) != own_id]:
        first = f"“{alike[0].name}” is written with other characters and looks the same"
        more = f"; so do the names of {len(alike) - 1} more" if len(alike) > 1 else ""
        cautions.append(Caution("warn", "The name looks like another.", f"{first}{more}."))
    return cautions


def refuse_ids_of_others(aliases: list[str], *, own_id: str | None, field: str = "ingest_aliases") -> None:
    """Raise BadInput for an alias that is another customer's id: Metronome gives its events to that one."""
    for alike in likeness.whose_ids(aliases, own_id=own_id):
        raise BadInput(
            f"“{alike.asked}” is the id of {alike.customer_name}, whose usage events are sent under it.",
            field=field,
        )


def near_alias_cautions(aliases: list[str], *, own_id: str | None) -> list[Caution]:
    """New aliases that read like what belongs to somebody else, or like a request's number."""
    words = near_alias_words(aliases, own_id=own_id)
    if not words:
        return []
    more = f" And {len(words) - MOST_NAMED:,} more." if len(words) > MOST_NAMED else ""
    return [
        Caution(
            "warn",
            "Easily taken for another.",
            f"{' '.join(words[:MOST_NAMED])}{more} Usage goes by the exact alias: one slip and it is "
            "billed to somebody else, or to nobody.",
        )
    ]


def near_alias_words(aliases: list[str], *, own_id: str | None) -> list[str]:
    """A sentence for each new alias that is easily taken for something else."""
    words = [
        f"“{near.asked}” reads like “{near.text}” of {near.customer_name}, which is another alias."
        for near in likeness.near_aliases(aliases, own_id=own_id)
    ]
    words += [
        f"“{near.asked}” reads like the external id of {near.customer_name}."
        for near in likeness.whose_external_ids(aliases, own_id=own_id)
    ]
    words += [
        f"“{alias}” reads like the number of a change request."
        for alias in aliases
        if _REFERENCE.fullmatch(folded(alias))
    ]
    return words


def _number(customers: int) -> str:
    if customers >= likeness.MOST_ALIKE:
        return f"{likeness.MOST_ALIKE - 1} customers or more are"
    return "1 customer is" if customers == 1 else f"{customers} customers are"
