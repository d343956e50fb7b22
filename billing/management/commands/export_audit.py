"""`manage.py export_audit`: the record as CSV on standard output, or into a new file."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.audit.actors import system
from billing.audit.export import stream
from billing.audit.queries import AuditFilter, read_moment
from billing.lists.paging import FilterRefused
from billing.management.who import machine_user

WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk space that this user may take is used up",
    errno.EFBIG: "the file would be larger than it may be here",
    errno.EPIPE: "whoever was to read it stopped reading",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.EROFS: "the disk can only be read",
    errno.EEXIST: "there is such a file already, and it is left alone",
    errno.ENOENT: "there is no such folder",
    errno.ENOTDIR: "there is no such folder",
    errno.EISDIR: "that is a folder",
    errno.EIO: "the disk failed",
    errno.ENAMETOOLONG: "the file’s name is too long",
}


class Command(BaseCommand):
    """The export is an event of the record itself, with the name of the machine's user who ran it."""

    help = "Write the audit record as CSV: complete, oldest first, times in UTC."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", default="", metavar="WHEN", help="a date, or a time with its zone")
        parser.add_argument(
            "--until", default="", metavar="WHEN", help="a date (that day included), or a time with its zone"
        )
        parser.add_argument("--output", metavar="FILE", help="a new file; standard output without it")

    def handle(self, *args: Any, since: str, until: str, output: str | None, **options: Any) -> None:
        try:
            wanted = AuditFilter(since=read_moment(since), until=read_moment(until, is_end=True))
        except FilterRefused as problem:
            raise CommandError(str(problem)) from problem
        actor = system(f"manage.py export_audit ({machine_user()})")
        try:
            with _opened(output) as file, contextlib.closing(stream(wanted, actor)) as taking:
                taking.write(_kept(file))
        except OSError as problem:
            raise CommandError(f"Not delivered: {_in_words(problem)}") from problem


@contextlib.contextmanager
def _opened(output: str | None) -> Iterator[BinaryIO]:
    """The file to write to; an existing one is left alone, and half an export doesn't stay behind.

    Of standard output it is a copy with a buffer of its own, so that what can't be written is known here and
    not first when Python ends.
    """
    if output is None:
        if sys.stdout is None:
            raise CommandError("Nothing was exported: there is no standard output.")
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as file:
            yield file
        return
    path = Path(output)
    try:
        file = path.open("xb")
    except OSError as problem:
        raise CommandError(f"Nothing was exported: {_in_words(problem)}") from problem
    try:
        with file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _kept(file: BinaryIO) -> Iterator[BinaryIO]:
    """The same file, at its end flushed, on the disk where it is on one, and closed."""
    with file:
        yield file
        file.flush()
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            os.fsync(file.fileno())


def _in_words(problem: OSError) -> str:
    """Why a file could not be written, for whoever asked for it."""
    said = WORDS.get(problem.errno or 0) or f"the system says “{problem.strerror or problem}”"
    return f"{said}{f': {problem.filename}' if problem.filename else ''}."
