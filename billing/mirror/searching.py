"""What a search means, as conditions on the rows of a noun, in their folded form (`billing.lists.text`)."""

from __future__ import annotations

from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    Func,
    IntegerField,
    Model,
    Q,
    QuerySet,
    Subquery,
    UUIDField,
    Value,
)

from billing.lists.conditions import IsAnyOf
from billing.lists.paging import Shape
from billing.lists.prepared import no_id, no_text
from billing.lists.text import HasWords, WordsWanted, folded, like_beginning, unspaced_runs
from billing.mirror.resource import Resource

COUNT_CAP = 1_001
"""Where counting what a search or a plan lets through stops; without either the tally knows."""

LONGEST_SEARCH = 400


ANY_WORDS = no_text("words")
ANY_SEARCH = {"words": ANY_WORDS, "begins": f"{ANY_WORDS}%"}
"""What stands in for any plain search, and the names of what takes its place."""


def searched(text: str) -> dict[str, str]:
    """What takes the place of ANY_SEARCH for this text."""
    wanted = folded(text)
    return {"words": wanted, "begins": like_beginning(wanted)}


def is_plain(text: str) -> bool:
    """Whether it is looked for as words and as a beginning, and in no other way."""
    with suppress(ValueError):
        return not UUID(text)
    return bool(folded(text)) and not unspaced_runs(text)


def has(rows: QuerySet) -> Q:
    """Whether a customer has one of these rows; unlike EXISTS, never answered for all customers at once."""
    return Q(_One(rows.order_by().annotate(one=Value(1)).values("one")[:1], Value(1)))


class _One(Func):
    template = "(%(expressions)s)"
    arg_joiner = " = "
    output_field = BooleanField()

    def __init__(self, rows: QuerySet, one: Value) -> None:
        super().__init__(Subquery(rows, output_field=IntegerField()), one)


def things(noun: Resource, text: str) -> QuerySet[Any]:
    """The rows of a noun that a search means."""
    return noun.model.objects.filter(any_of(ways_by_name(noun.model, text)))


def ways_by_name(model: type[Model], text: str) -> list[Q]:
    """Each way in which a search finds what has a name: by its words, its beginning, or the id."""
    found = []
    if wanted := folded(text):
        found.append(Q(sort_name__startswith=wanted))
        if any(field.name == "name_words" for field in model._meta.concrete_fields):
            found.append(Q(HasWords("name_words", WordsWanted(Value(wanted)))))
    with suppress(ValueError):  # most searches are not a whole id
        found.append(Q(pk=UUID(text)))
    return found


def any_of(ways: list[Q]) -> Q:
    """What is found in any of these ways; nothing where there is none."""
    return reduce(or_, ways, Q(pk__in=[]))


def by_ids(ids: list[str], model: type[Model]) -> Shape:
    """The customers of these ids, or another noun's rows, whatever their state."""

    def rows() -> QuerySet[Any]:
        return model.objects.filter(IsAnyOf("pk", Value([no_id("one")], ArrayField(UUIDField()))))

    return Shape(("by ids", model), rows, {"ids": [no_id("one")]}, {"ids": ids})
