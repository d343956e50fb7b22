"""What a search means, as conditions on customers: one an index walks, and one that a row is asked for.

Name, external id and aliases are compared in their folded form; `billing.lists.text` says what that is.
"""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Value

from billing.lists.text import HasWords, WordsWanted, folded, unspaced_runs
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.searching import any_of, has


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
