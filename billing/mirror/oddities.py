"""Records that a refresh could not read or store: named, counted, and kept as they were."""

from __future__ import annotations

from collections.abc import Iterable

from billing.metronome.records import OddRow
from billing.metronome.rows import uuid_of

MOST = 1_000
"""More odd records than that, or as many as sound ones, speak against the answers and not the records."""

FEW = 10
LONGEST_NAME, LONGEST_REASON = 200, 300


class TooManyOdd(Exception):
    """So many records are odd that the refresh is doubted rather than the records. `message` says so."""

    def __init__(self, odd: int) -> None:
        self.message = f"{odd:,} records can’t be read or stored. The answers are doubted."
        super().__init__(self.message)


class Oddities:
    """The odd records of one refresh, each once, by kind and name.

    `nameless`: the kinds of which one came without an id, so that nobody can say which of them are gone.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], str] = {}
        self.nameless: set[str] = set()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, kind: str, name: str, why: str) -> None:
        """Set one record apart. Raises TooManyOdd."""
        self._found.setdefault((kind, name[:LONGEST_NAME]), why[:LONGEST_REASON])
        if len(self._found) > MOST:
            raise TooManyOdd(len(self._found))

    def add_rows(self, kind: str, rows: Iterable[OddRow], *, by_uuid: bool = True) -> list[OddRow]:
        """Set rows apart; returns those with an id, which were seen though they can’t be read."""
        named = []
        for row in rows:
            self.add(kind, row.id, row.why)
            if uuid_of(row.id) if by_uuid else row.id:
                named.append(row)
            else:
                self.nameless.add(kind)
        return named

    def weigh(self, sound: int) -> None:
        """Hold them against how many records were sound. Raises TooManyOdd."""
        if len(self._found) > max(FEW, sound):
            raise TooManyOdd(len(self._found))

    def as_json(self) -> list[dict[str, str]]:
        """Each as `{kind, id, why}`, for the run's row."""
        return [{"kind": kind, "id": name, "why": why} for (kind, name), why in self._found.items()]
