"""No cell of a file is a formula, whatever program opens it, and every cell reads back to the exact text.

A spreadsheet runs what begins with a formula sign. Where its list separator is another than the file's, or it
takes a line inside a cell for a row, any piece of a cell is a cell; and some look past blanks, quotes and
characters that nobody sees. So each sign that begins a piece gets an apostrophe right before it, with its own
apostrophes left in place: the one nearest the sign is always ours, and taking it away gives the text again.
"""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Func, TextField, Value
from django.db.models.expressions import Combinable

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
"""Where a piece begins with a sign, up to the sign. PostgreSQL guards and Python reads back by this."""
BREAKS = r"""^('*)(?=[\t\r\n])"""
"""Where the cell itself begins with a tab or a line break, which some programs take away."""


RISKY = rf"""(?:^|[^A-Za-z0-9])[{SIGNS}]|^'*[\t\r\n]"""
"""What a text must hold for a guard to have anything to do: most cells don't, and are asked nothing more."""


class Defused(Func):
    """A text without formulas; `as_written` gives it back.

    is_cheap: the text may be worked out twice, as a column's always may.
    """

    output_field = TextField()

    def __init__(self, text: Combinable | str, *, is_cheap: bool = False) -> None:
        guarded = _replaced(_replaced(text, BEGINS, Value("g")), BREAKS)
        super().__init__(
            *((guarded, text, Value(RISKY)) if is_cheap or isinstance(text, str) else (guarded,))
        )

    def as_sql(self, compiler: Any, connection: Any, **_more: Any) -> tuple[str, tuple[Any, ...]]:
        """SQL that guards the text where it has to be, or, where it is costly to ask, in any case."""
        (guarded, given), *rest = (compiler.compile(part) for part in self.source_expressions)
        if not rest:
            return guarded, tuple(given)
        (text, of_text), (risky, of_risky) = rest
        sql = f"CASE WHEN {text} ~ {risky} THEN {guarded} ELSE {text} END"
        return sql, (*of_text, *of_risky, *given, *of_text)


def _replaced(text: Combinable | str, pattern: str, *flags: Value) -> Func:
    return Func(
        text, Value(pattern), Value(r"\1'"), *flags, function="regexp_replace", output_field=TextField()
    )


def as_written(cell: str) -> str:
    """The text that a cell of a file stands for: without the apostrophes that its guard put in."""
    for pattern in (BREAKS, BEGINS):
        cell = re.sub(pattern.replace("(?=", "'(?="), r"\1", cell)
    return cell
