"""Making texts and JSON storable: PostgreSQL holds neither NUL nor half a character."""

from __future__ import annotations

import json
import re
import secrets
from decimal import Decimal
from typing import Any

from billing.metronome.outcomes import storable
from billing.mirror.oddities import Oddities

RAW = "raw"
"""The column that keeps Metronome's own JSON."""

_EXACT = f"exactly {secrets.token_hex(8)} "
_EXACTLY = re.compile(f'"{_EXACT}([^"]*)"')
_SUSPICIOUS = re.compile(r"\\u(?:0000|d[89a-f])")


class Cleaner:
    """Makes text storable: NUL and half characters become U+FFFD. `replaced` counts the texts changed.

    `odd`: the records that could not be stored, or read, at all.
    """

    def __init__(self) -> None:
        self.replaced = 0
        self.odd = Oddities()

    def text(self, value: str) -> str:
        clean = storable(value)
        self.replaced += clean != value
        return clean

    def json(self, value: Any) -> Any:
        """A JSON value whose texts, keys too, are storable."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.json(held) for key, held in value.items()}
        return [self.json(each) for each in value] if isinstance(value, list) else value

    def remark(self) -> str:
        """What a person should know about it; empty when nothing was replaced."""
        if not self.replaced:
            return ""
        texts = "1 text" if self.replaced == 1 else f"{self.replaced:,} texts"
        return f"{texts} from Metronome held characters that can’t be stored; they are shown as \ufffd."


def as_json(value: Any, **layout: Any) -> str:
    """JSON text; a Decimal stands in it as the number that it is. layout: as `json.dumps` takes it."""
    text = json.dumps(value, default=_exactly, **layout)
    return _EXACTLY.sub(r"\1", text) if _EXACT in text else text


def row_json(columns: dict[str, Any]) -> str:
    """A row as JSON text. Its columns are clean; Metronome's own JSON beside them is made so here."""
    text = as_json(columns)
    if RAW in columns and _SUSPICIOUS.search(text):
        return as_json({**columns, RAW: Cleaner().json(columns[RAW])})
    return text


def column_json(name: str, value: Any) -> str | None:
    """One column's JSON as text, clean."""
    if value is None:
        return None
    text = as_json(value)
    return as_json(Cleaner().json(value)) if name == RAW and _SUSPICIOUS.search(text) else text


def _exactly(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{_EXACT}{value}"
    raise TypeError(f"{type(value).__name__} is no JSON value")
