"""What a search means, as conditions on customers: one an index walks, and one that a row is asked for.

Name, external id and aliases are compared in their folded form; `billing.lists.text` says what that is.
"""

from __future__ import annotations

from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Func, IntegerField, Model, OuterRef, Q, QuerySet, Subquery, Value

from billing.lists.prepared import no_text
from billing.lists.text import HasWords, WordsWanted, folded, like_beginning, unspaced_runs
from billing.mirror.models import Customer, IngestAlias
from billing.mirror.resource import Resource

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


def ways(text: str) -> list[QuerySet[Customer]]:
    """Each way in which a search finds customers, by an index of its own; one may be found in several."""
    everybody = Customer.objects.all()
    found = [everybody.filter(way) for way in _by_row(text)]
    if wanted := folded(text):
        holders = IngestAlias.objects.filter(folded__startswith=wanted).values("customer_id")
        found.append(everybody.filter(pk__in=holders))
    return found


def asked_of_each(text: str) -> Q:
    """The same as a condition that one customer is asked for.

    It is for a search that finds so many that walking the list in its order soon meets a page of them.
    """
    asked = any_of(_by_row(text))
    if wanted := folded(text):
        asked |= has(IngestAlias.objects.filter(customer=OuterRef("pk"), folded__startswith=wanted))
    return asked


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


def _by_row(text: str) -> list[Q]:
    conditions = []
    if wanted := folded(text):
        words = Q(HasWords("name_words", WordsWanted(Value(wanted))))
        for run in unspaced_runs(text):
            words &= Q(sort_name__contains=run)
        conditions += [words, Q(folded_external_id__startswith=wanted)]
    with suppress(ValueError):  # most searches are not a whole id
        conditions.append(Q(pk=UUID(text)))
    return conditions
