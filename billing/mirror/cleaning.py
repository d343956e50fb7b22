"""Making texts and JSON storable: PostgreSQL holds neither NUL nor half a character."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

from billing.metronome.exact import packed
from billing.metronome.outcomes import storable
from billing.mirror.oddities import Oddities

RAW = "raw"
"""The column that keeps Metronome's own JSON."""

DIGEST = "raw_digest"
"""The column that keeps a digest of it."""

_SUSPICIOUS = re.compile(rb"\\u(?:0000|d[89a-f])")


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


def row_json(columns: dict[str, Any]) -> str:
    """A row as JSON text; what it has of Metronome's own JSON is text already, and clean."""
    raw = columns.get(RAW)
    if raw is None:
        return packed(columns).decode()
    others = packed({name: held for name, held in columns.items() if name != RAW}).decode()
    return f'{others[:-1]},"{RAW}":{raw}}}'


def clean_text(raw: Any) -> str | None:
    """Metronome's own JSON of a record as text that PostgreSQL can hold."""
    if raw is None:
        return None
    text = packed(raw)
    return (packed(Cleaner().json(raw)) if _SUSPICIOUS.search(text) else text).decode()


def digest_of_raw(raw: Any) -> str | None:
    """The digest of Metronome's own JSON of a record; none where it can't be held as it is.

    Such a record is judged anew by each refresh, which then says again what was replaced.
    """
    if raw is None or _SUSPICIOUS.search(text := packed(raw)):
        return None
    return digest_of(text)


def digest_of(text: bytes) -> str:
    """128 bits that tell a text from every other, written as a UUID's digits."""
    return blake2b(text, digest_size=16).hexdigest()
