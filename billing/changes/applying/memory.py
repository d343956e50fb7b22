"""What Redis remembers of the newest sending, so that an older database put back is known before it sends.

A restored backup can't tell what was sent after it was made: what it shows as waiting may have been carried
out. Redis outlives most restores; emptied, it remembers nothing, and then only Metronome shows what happened.
"""

from __future__ import annotations

from functools import cache

from django.core.cache import cache as shared

from billing.changes.models import Attempt
from billing.control import freezing
from billing.lists.prepared import Question
from billing.metronome.outcomes import Halt


def remember(attempt: Attempt, installation: str) -> None:
    """Note a sending that is journalled, before its first byte leaves. installation: its id, as text."""
    shared.set(_place(installation), [attempt.pk, attempt.reference], timeout=None)


def refuse_an_older_database(installation: str) -> None:
    """Raise Halt, and freeze all applying, when Redis remembers a sending that no row here tells of.

    Once frozen for this, what this database has counts: an administrator who has read why lets it go on.
    """
    known = _known(installation)  # before the rows: another worker may journal, and note it, in between
    newest = next(iter(_newest().rows()), (0, "none"))
    if known is None or known[0] <= newest[0]:
        return
    problem = (
        f"This database is older than what was sent: {known[1]} went to Metronome, and no row here tells of"
        f" it; the newest that is here is {newest[1]}. What waits here may have been carried out already."
    )
    if freezing.halt(problem):
        shared.set(_place(installation), list(newest), timeout=None)
    raise Halt(problem)


@cache
def _newest() -> Question:
    return Question(Attempt.objects.order_by("-pk").values_list("pk", "reference")[:1])


def _known(installation: str) -> tuple[int, str] | None:
    """The remembered number and reference; None for nothing, or for what is none of ours."""
    match shared.get(_place(installation)):
        case [int(number), str(reference)]:
            return number, reference
    return None


def _place(installation: str) -> str:
    return f"newest-sending:{installation}"
