"""What is said of names and aliases that are not what they look like, or that read as another's."""

from __future__ import annotations

import re

from billing.changes.asking.proposal import Caution
from billing.changes.oddities import drawn, hidden_characters, oddities
from billing.changes.refusals import BadInput
from billing.lists.text import folded
from billing.mirror.resources.customer import likeness

MOST_NAMED = 8

_REFERENCE = re.compile(r"cr-?\d{1,9}")


def name_cautions(name: str) -> list[Caution]:
    """A name that holds characters which can't be seen, or turn the direction of what can."""
    hidden = hidden_characters(name)
    if not hidden:
        return []
    return [Caution("warn", "The name holds what can’t be seen.", f"{', '.join(hidden[:MOST_NAMED])}.")]


def alias_cautions(added: list[str]) -> list[Caution]:
    """The new aliases that are not what they look like."""
    odd = [f"“{drawn(alias)}” {' and '.join(words)}" for alias in added if (words := oddities(alias))]
    if not odd:
        return []
    more = f"; and {len(odd) - MOST_NAMED:,} more" if len(odd) > MOST_NAMED else ""
    return [
        Caution(
            "warn",
            "Easily overlooked.",
            f"{'; '.join(odd[:MOST_NAMED])}{more}. All of it is part of the alias.",
        )
    ]


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
