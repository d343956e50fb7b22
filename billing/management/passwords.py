"""How a command is given a password: never on the command line, where every process could read it.

`nothing` is the sentence that an error begins with: what did not happen.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from django.core.management.base import CommandError


def from_file(path: str, nothing: str) -> str:
    """The first line of a file."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"{nothing} The password file can’t be read: {problem}") from problem
    if not lines or not lines[0]:
        raise CommandError(f"{nothing} The password file’s first line is empty.")
    return lines[0]


def from_terminal(nothing: str, *, twice: bool = False) -> str:
    """What a person types unseen; a new password is typed twice."""
    if not sys.stdin.isatty():
        raise CommandError(f"{nothing} There is no terminal to ask at: use --password-file FILE.")
    password = getpass.getpass("Password: ")
    if twice and password != getpass.getpass("Again: "):
        raise CommandError(f"{nothing} The two passwords differ.")
    return password
