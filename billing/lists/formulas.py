"""No cell of a file is a formula, whatever program opens it, and every cell reads back to the exact text.

A spreadsheet runs what begins with a formula sign. Where its list separator is another than the file's, or it
takes a line inside a cell for a row, any piece of a cell is a cell; and some look past blanks, quotes and
characters that nobody sees. So each sign that begins a piece gets an apostrophe right before it, with its own
apostrophes left in place: the one nearest the sign is always ours, and taking it away gives the text again.

Every cell of every file passes here on its way out of the database. Most rows hold nothing to guard, and
a glance at the bytes of some rows tells so; asked of each cell in SQL it took longer than all else.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from itertools import islice

SIGNS = r"=+@\-\u207a-\u207c\u208a-\u208c\u2212\ufb29\ufe62-\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
"""Formula signs, and all that Unicode holds to be the same, such as full-width ones."""
ENDS = r"\t-\r\u001c-\u001e\u0085\u2028\u2029;,|\uff0c\uff1b\uff5c"
"""What ends a piece of a cell: list separators, also full-width ones, and every kind of line break."""
UNSEEN = (
    r"\u0001-\u0008\u000e-\u001b\u001f-\u0020\u007f-\u0084\u0086-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f"
    r"\u0890-\u0891\u08e2\u115f-\u1160\u1680\u17b4-\u17b5\u180b-\u180f\u2000-\u200f\u202a-\u202f\u205f-\u206f\u2800"
    r"\u3000\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\U000110bd\U000110cd\U00013430-\U0001343f"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
"""Blanks, controls and what draws nothing; characters of private use too, which few fonts draw."""
BEGINS = rf"""((?:^|[{ENDS}])[{UNSEEN}"']*)(?=[{SIGNS}])"""
"""Where a piece begins with a sign, up to the sign."""
BREAKS = r"""^('*)(?=[\t\r\n])"""
"""Where the cell itself begins with a tab or a line break, which some programs take away."""

AT_A_GLANCE = 32
"""So many rows are looked at together; a row may hold half a megabyte, and memory is to stay flat."""

_BEGINS, _BREAKS = re.compile(BEGINS), re.compile(BREAKS)
_RISKY = re.compile(rf"""(?:^|[^A-Za-z0-9])[{SIGNS}]|(?:^|[,"\n])'*[\t\r\n](?!\Z)""")
"""What a row has somewhere if a cell of it has to be guarded; some that need no guard have it, too."""
_CELL = re.compile(r'"(?:[^"]|"")*"|[^",\n]+')
"""A cell as COPY writes it, unless it is empty."""
_SIGN, _LETTER, _OTHER, _PERHAPS, _LINE = b"=", b"a", b" ", b"!", b"\n"


def _kinds() -> bytes:
    """Of every byte what it may be: a sign, a letter or digit, of a wide sign or a break, a line's end."""
    kinds = bytearray(_OTHER * 256)
    for bytes_of, kind in (
        (string.ascii_letters + string.digits, _LETTER),
        ("=+@-", _SIGN),
        ("\n", _LINE),
        ("\t\r", _PERHAPS),
    ):
        for byte in bytes_of.encode():
            kinds[byte] = kind[0]
    wide = "".join(map(chr, (*range(0x80, 0xD800), *range(0xE000, 0x10000))))
    for sign in re.findall(f"[{SIGNS}]", wide):
        kinds[sign.encode()[0]] = _PERHAPS[0]
    return bytes(kinds)


_KINDS = _kinds()


def guarded(rows: Iterable[bytes]) -> Iterator[bytes]:
    """Rows as COPY writes them in CSV, one or several a piece, without formulas; some at a time."""
    left = iter(rows)
    while some := list(islice(left, AT_A_GLANCE)):
        yield _block(some)


def _block(rows: list[bytes]) -> bytes:
    block = b"".join(rows)
    if not _may_need_it(block, len(rows)):
        return block
    return b"".join([_row(row) if _may_need_it(row, 1) else row for row in map(bytes, rows)])


def _may_need_it(rows: bytes, number: int) -> bool:
    """Whether a sign stands where no letter or digit is before it, or a cell may begin with a break."""
    kinds = rows.translate(_KINDS)
    return (
        _OTHER + _SIGN in kinds
        or _LINE + _SIGN in kinds
        or kinds.startswith(_SIGN)
        or _PERHAPS in kinds
        or kinds.count(_LINE) != number
    )


def _row(row: bytes) -> bytes:
    text = row.decode()
    return _CELL.sub(_cell, text).encode() if _RISKY.search(text) else row


def _cell(found: re.Match[str]) -> str:
    """A cell with its text defused; what it gets needs no quotes that it does not have."""
    cell = found[0]
    if cell.startswith('"'):
        text = cell[1:-1].replace('""', '"')
        return '"' + defused(text).replace('"', '""') + '"'
    return defused(cell)


def defused(text: str) -> str:
    """A text without formulas; `as_written` gives it back."""
    return _BREAKS.sub(r"\1'", _BEGINS.sub(r"\1'", text))


def as_written(cell: str) -> str:
    """The text that a cell of a file stands for: without the apostrophes that its guard put in."""
    for pattern in (BREAKS, BEGINS):
        cell = re.sub(pattern.replace("(?=", "'(?="), r"\1", cell)
    return cell
