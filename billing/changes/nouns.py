"""Every noun that a request may be about: Metronome's, and those of ours that change by request, too."""

from __future__ import annotations

from billing.changes.local import LOCAL_NOUNS
from billing.mirror.resource import Resource
from billing.mirror.resources import RESOURCES

NOUNS: dict[str, Resource] = {**RESOURCES, **LOCAL_NOUNS}


def noun_of(thing: str) -> Resource:
    """The noun of a thing, `noun:id`. Raises KeyError for one that there is none of."""
    return NOUNS[thing.partition(":")[0]]
