"""Beginning the mirror anew, by two people: the way out when another world came in, or ours is a new one.

One person asks, with a reason, and another agrees within a day. The next refresh then sets everything
mirrored aside and reads what the present address and token show. That is how a new world is accepted, and,
once address and token lead to the old one again, how what came in by mistake is thrown away.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from billing.audit import log
from billing.audit.actors import Actor, system
from billing.audit.events import Event
from billing.control.models import Installation, NewBeginning

GOOD_FOR = timedelta(days=1)
SUBJECT = log.Subject(kind="mirror", id="account", text="Whole account")


class Refused(Exception):
    """Nothing changed. `message` is for the person who tried."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def waiting() -> NewBeginning | None:
    """The one that was asked for within a day and is not carried out yet."""
    rows = NewBeginning.objects.filter(carried_out_at__isnull=True, at__gt=Now() - GOOD_FOR)
    return rows.select_related("by", "seconded_by").order_by("-pk").first()


def ask(actor: Actor, reason: str) -> NewBeginning:
    """A person asks for it. Raises Refused while one waits."""
    with transaction.atomic():
        _one_at_a_time()
        if waiting():
            raise Refused("Somebody has asked for it already; agree to that, or let it lapse after a day.")
        row = NewBeginning.objects.create(reason=reason, by=actor.user)
        log.record(Event.MIRROR_ANEW_ASKED, actor=actor, subject=SUBJECT, reason=reason)
    return row


def agree(actor: Actor, reason: str) -> NewBeginning:
    """Another person agrees. Raises Refused for who asked, and when nothing waits for a second person."""
    with transaction.atomic():
        _one_at_a_time()
        row = waiting()
        if row is None or row.seconded_by_id:
            raise Refused("Nothing waits for a second person.")
        if row.by_id == actor.user.pk:
            raise Refused("You asked for it; somebody else has to agree.")
        row.seconded_by, row.seconded_at = actor.user, Now()
        row.save(update_fields=["seconded_by", "seconded_at"])
        log.record(Event.MIRROR_ANEW_AGREED, actor=actor, subject=SUBJECT, reason=reason)
    return row


def is_agreed() -> bool:
    """Whether two people have said so and it is still to be done."""
    row = waiting()
    return row is not None and row.seconded_by_id is not None


def carried_out(set_aside: int) -> None:
    """Note, in the caller's transaction, that it is done. set_aside: rows that were marked missing."""
    row = waiting()
    NewBeginning.objects.filter(pk=row.pk).update(carried_out_at=Now())
    new = {"set_aside": set_aside}
    log.record(Event.MIRROR_BEGUN_ANEW, actor=system("worker"), subject=SUBJECT, new=new, reason=row.reason)


def _one_at_a_time() -> None:
    if not Installation.objects.select_for_update().filter(id=1).first():
        raise Refused("This database is not tied to a Metronome account yet; there is nothing to begin anew.")
