"""Taking a list out of the house: asked for on record, made whole, handed over, its end on record too."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import IO, Any, BinaryIO

from django.db import Error, connection, transaction
from django.db.models import Expression, QuerySet

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.lists.csv import copy_into

BLOCK_BYTES = 65_536
MEMORY_BYTES = 1_048_576

logger = logging.getLogger(__name__)


class Taking:
    """A list as a CSV file, made and not yet handed over; iterate over it or write it, once, and close it.

    rows: without the header; size: bytes. Read to its end it is on record as delivered, with its rows; closed
    earlier, as not delivered. The record says what we know: that the last byte left this process.
    Who reads blocks must have passed each on before asking for the next one.
    """

    def __init__(self, file: IO[bytes], rows: int, actor: Actor, facts: dict[str, Any], what: str) -> None:
        self.rows, self.size = rows, file.tell()
        self._file, self._actor, self._facts, self._what = file, actor, facts, what
        self._is_told = False
        self._blocks = self._read()

    def __iter__(self) -> Taking:
        return self

    def __next__(self) -> bytes:
        return next(self._blocks)

    def write(self, output: AbstractContextManager[BinaryIO]) -> None:
        """Write all of it; delivered is what the output took, its own end included. Raises what it raises."""
        self._file.seek(0)
        with output as file:
            shutil.copyfileobj(self._file, file, BLOCK_BYTES)
        self._tell(Event.EXPORT_DELIVERED)

    def close(self) -> None:
        """Let go of the file; what was not read to its end was not delivered."""
        self._blocks.close()
        self._file.close()
        self._tell(Event.EXPORT_CUT_SHORT)

    def _read(self) -> Generator[bytes]:
        self._file.seek(0)
        while block := self._file.read(BLOCK_BYTES):
            yield block
        self._file.close()
        self._tell(Event.EXPORT_DELIVERED)

    def _tell(self, event: Event) -> None:
        if not self._is_told:
            self._is_told = True
            _tell_end(event, self._actor, self._what, {**self._facts, "rows": self.rows})


def take(
    event: Event,
    actor: Actor,
    what: str,
    narrowed_by: dict[str, Any],
    rows: QuerySet[Any],
    columns: dict[str, str | Expression],
) -> Taking:
    """Record and commit that a list is asked for, then make its file whole: a list that breaks is never sent.

    The file is a nameless temporary one, in memory while it is small, so a slow reader holds no connection to
    the database. Raises what the database or the disk raises; that nothing was delivered is then on record,
    if the database answers.
    """
    with transaction.atomic(durable=True):
        asked = _record(event, actor, what, {"filter": narrowed_by})
    facts = {"asked": asked.pk}
    file = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115  closed by Taking, or below
    try:
        return Taking(file, copy_into(file, rows, columns), actor, facts, what)
    except BaseException:
        file.close()
        _tell_end(Event.EXPORT_CUT_SHORT, actor, what, facts)
        raise


def _tell_end(event: Event, actor: Actor, what: str, facts: dict[str, Any]) -> None:
    """Record how it ended. The answer is on its way or lost already, so a silent database is only logged."""
    try:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        with transaction.atomic():
            _record(event, actor, what, facts)
    except Error:
        logger.exception("The end of an export is not on record: %s %s", event, facts)


def _record(event: Event, actor: Actor, what: str, facts: dict[str, Any]) -> log.AuditEvent:
    subject = log.Subject(kind="export", id=what.lower(), text=what)
    if actor.token:
        facts = {**facts, "token": actor.token}
    return log.record(event, actor=actor, subject=subject, new=facts)
