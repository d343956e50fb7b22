"""Mailing notices: gathered into one mail a person, claimed, sent, filed. No transaction waits for a server.

A mail is sent once, but for one case that no mail server lets anybody exclude: a worker that dies, or a line
that breaks, between the server's taking it and our writing that down. It then goes again under the same
Message-ID, by which a mailbox knows it.
"""

from __future__ import annotations

import logging
import smtplib
import time
from contextlib import suppress
from datetime import timedelta
from email.errors import MessageError

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from billing.notify.letter import compose, one_line
from billing.notify.models import UNDER_WAY, Mail, MailState, Notice
from billing.users import User

logger = logging.getLogger(__name__)

GATHER = timedelta(minutes=1)
"""How long a notice waits for others, so that many go in one mail, and what is settled at once in none."""
APART = timedelta(minutes=5)
"""How long after one mail a person gets the next at the earliest."""
REFUSED_REST = timedelta(days=1)
"""How long nothing more is sent to an address that could not be reached; another address is used at once."""
MOST_TOLD = 50
"""Notices in one mail; the rest comes with the next."""
AGAIN_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))
"""How long after each failed try the next one comes; after the last a mail is given up."""
SERVER_REST = timedelta(minutes=1)
"""How long a mail waits when the server itself is away. That counts as no try, however long it takes."""
LEASE = timedelta(minutes=5)
"""How long one sending may take; a mail of a worker that died goes again after that."""
ROUND_SECONDS = 20.0
"""After so long no further mail is begun before the next round: the thread serves other queues, too."""
PERMANENT = 500
"""From this code on an answer is a no for good (RFC 5321, 4.2.1)."""
OF_THIS_MAIL = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ValueError, MessageError)
"""Failures that say nothing of other mails; whatever else fails while sending ends the round."""


class InTransaction(RuntimeError):
    """A mail was to be sent while a transaction is open. Nothing was sent."""


class ServerAway(Exception):
    """The server takes no mail at all now: it is not reached, or does not let us in. Nothing was sent."""


def gather() -> int:
    """Put what is to be mailed into one mail a person; how many mails were made."""
    ripe = Notice.objects.filter(wants_mail=True, mail=None, read_at=None, told_at__lte=Now() - GATHER)
    people = ripe.order_by().values_list("person_id", flat=True).distinct()
    return sum(_gather_for(person_id) for person_id in list(people))


def deliver() -> int:
    """Send the mails that are due, one after another, for a round or until the server is away; how many.

    Raises InTransaction.
    """
    if transaction.get_connection().in_atomic_block:
        raise InTransaction("mail goes out between transactions, never inside one")
    sent, ends_at = 0, time.monotonic() + ROUND_SECONDS
    server = get_connection()
    try:
        while time.monotonic() < ends_at and (mail := _claim()) is not None:
            sent += _carry(mail, server)
    except ServerAway as trouble:
        logger.warning("the mail server takes nothing: %s", trouble)
    finally:
        _hang_up(server)
    return sent


@transaction.atomic
def _gather_for(person_id: int) -> bool:
    """One mail for one person, unless another is on its way, or was just now, or their address is refused."""
    earlier = Mail.objects.filter(person=OuterRef("pk"))
    refused = earlier.filter(
        state=MailState.GIVEN_UP, address=OuterRef("email"), made_at__gt=Now() - REFUSED_REST
    )
    held_back = earlier.filter(Q(state__in=UNDER_WAY) | Q(made_at__gt=Now() - APART))
    person = (
        User.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(~Exists(held_back), ~Exists(refused), pk=person_id)
        .exclude(email="")
        .first()
    )
    if person is None or Mail.objects.filter(person=person, state__in=UNDER_WAY).exists():
        return False  # the second question sees what another worker made while this one waited
    notices = Notice.objects.filter(person=person, wants_mail=True, mail=None, read_at=None)
    ids = list(notices.order_by("pk").values_list("pk", flat=True)[:MOST_TOLD])
    mail = Mail.objects.create(person=person, address=person.email)
    Notice.objects.filter(pk__in=ids).update(mail=mail)
    return True


def _claim() -> Mail | None:
    """Take the mail that is due longest, for LEASE; None when there is none."""
    with transaction.atomic():
        mail = (
            Mail.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(state__in=UNDER_WAY, next_try_at__lte=Now())
            .select_related("person")
            .order_by("next_try_at", "pk")
            .first()
        )
        if mail is None:
            return None
        mail.tries += 1
        Mail.objects.filter(pk=mail.pk).update(
            state=MailState.SENDING, tries=mail.tries, next_try_at=Now() + LEASE
        )
    return mail


def _carry(mail: Mail, server: BaseEmailBackend) -> bool:
    """Send one claimed mail and file what came of it; whether it was sent.

    Raises ServerAway, with the mail waiting again, when others would fare no better.
    """
    unread = list(mail.notices.filter(read_at=None).order_by("pk"))
    if not unread or not mail.person.is_active:
        _file(mail, MailState.NOT_NEEDED)
        return False
    try:
        _open(server)
        server.send_messages([compose(mail, unread)])
    except ServerAway as trouble:
        _file(mail, MailState.WAITING, error=str(trouble), tries=mail.tries - 1, wait=SERVER_REST)
        raise
    except (*OF_THIS_MAIL, OSError) as problem:
        _file_failure(mail, problem)
        _hang_up(server)
        if not isinstance(problem, OF_THIS_MAIL):
            raise ServerAway(words_of(problem)) from problem
        return False
    _file(mail, MailState.SENT)
    return True


def _open(server: BaseEmailBackend) -> None:
    """See that the server is there and lets us in. Raises ServerAway."""
    try:
        server.open()
    except OSError as problem:  # every error of smtplib and of ssl is one
        _hang_up(server)
        raise ServerAway(words_of(problem)) from problem


def _hang_up(server: BaseEmailBackend) -> None:
    with suppress(OSError):
        server.close()


def _file_failure(mail: Mail, problem: Exception) -> None:
    """Let a mail that was not taken wait for its next try, or give it up."""
    error = words_of(problem)
    if isinstance(problem, smtplib.SMTPSenderRefused):  # it refuses us, and has not seen the mail
        _file(mail, MailState.WAITING, error=error, tries=mail.tries - 1, wait=SERVER_REST)
    elif _is_final(problem) or mail.tries > len(AGAIN_AFTER):
        _file(mail, MailState.GIVEN_UP, error=error)
        logger.warning("mail %s was given up: %s", mail.uuid, error)
    else:
        _file(mail, MailState.WAITING, error=error, tries=mail.tries, wait=AGAIN_AFTER[mail.tries - 1])


def _file(
    mail: Mail, state: MailState, *, error: str = "", tries: int | None = None, wait: timedelta | None = None
) -> None:
    """Write down what came of one try, unless somebody else has taken the mail over meanwhile."""
    columns = {"state": state, "error": error, "sent_at": Now() if state == MailState.SENT else None}
    if wait is not None:
        columns |= {"tries": tries, "next_try_at": Now() + wait}
    Mail.objects.filter(pk=mail.pk, state=MailState.SENDING, tries=mail.tries).update(**columns)


def _is_final(problem: Exception) -> bool:
    """Whether this mail will never be taken: the server said so, or it can't even be written."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _said in problem.recipients.values())
    if isinstance(problem, smtplib.SMTPResponseException):
        return problem.smtp_code >= PERMANENT
    return not isinstance(problem, OSError)


def words_of(problem: Exception) -> str:
    """What went wrong, for people: the server's own words where it said some, in one line."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        said = "; ".join(f"{code} {_read(answer)}" for code, answer in problem.recipients.values())
    elif isinstance(problem, smtplib.SMTPResponseException):
        said = f"{problem.smtp_code} {_read(problem.smtp_error)}"
    else:
        said = str(problem) or type(problem).__name__
    return one_line(said)[:500]


def _read(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
