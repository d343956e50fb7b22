"""One Metronome account: what every request to it passes through, whatever it is about.

Sources: API reference §1.2 (errors), §1.5 (idempotency), §2 (pagination).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from billing.metronome.budget import Budget, BudgetExhausted, BudgetUnavailable
from billing.metronome.calls import Answer, Sending
from billing.metronome.config import GatewayConfig
from billing.metronome.exact import packed_rows, skimmed_json
from billing.metronome.judging import (
    judged_read,
    judged_write,
    object_in,
    parsed,
    retry_after,
    says_unknown,
)
from billing.metronome.listing import Item, Listing, UnreadPage
from billing.metronome.outcomes import ReadFailed
from billing.metronome.records import OddRow, Page
from billing.metronome.transport import NoAnswer, RawAnswer, Wire

T = TypeVar("T")

READ_TOKEN_SECONDS = 60.0
MOST_PAGES = 1_000
MOST_EMPTY_PAGES = 3
"""So many pages in a row may be empty and still name a next one; then the list is taken for endless."""


class Gateway:
    """One account. Safe to share between threads; reads keep connections, every write has a fresh one."""

    def __init__(self, config: GatewayConfig) -> None:
        self.config = config
        self.budget = Budget(config.redis_url, config.requests_per_second)
        self._wire = Wire(config)
        self._lock = threading.Lock()
        self._spent = 0
        self._of_this_thread = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the budget's connections back, and end those to Metronome."""
        self._wire.close()
        self.budget.close()

    @property
    def requests_spent(self) -> int:
        """How many requests this gateway has sent so far."""
        return self._spent

    def take_write_token(self, timeout_seconds: float) -> None:
        """Wait for the budget before a write is journalled. Raises BudgetExhausted."""
        self.budget.take("write", timeout_seconds=timeout_seconds)

    @contextmanager
    def keeping(self, hold: Callable[[], None]) -> Iterator[None]:
        """Within this block and thread, call `hold` before each read and again once the budget lets it go.

        What `hold` raises ends the read unsent: long work renews its claim so, and stops when it has lost it.
        """
        outer = getattr(self._of_this_thread, "hold", None)
        self._of_this_thread.hold = hold
        try:
            yield
        finally:
            self._of_this_thread.hold = outer

    @contextmanager
    def reading_in_rounds(self) -> Iterator[None]:
        """Within this block and thread, reads are of the class that leaves the budget to all others."""
        self._of_this_thread.kind = "round"
        try:
            yield
        finally:
            self._of_this_thread.kind = "read"

    @contextmanager
    def noting(self, note: Callable[[Any, float], None]) -> Iterator[None]:
        """Within this block and thread, hand what is read by its id to `note`, with the monotonic
        second at which it was asked for: whoever wants it afterwards need not ask again.
        """
        outer = getattr(self._of_this_thread, "note", None)
        self._of_this_thread.note = note
        try:
            yield
        finally:
            self._of_this_thread.note = outer

    def tell(self, record: Any, asked: float) -> None:
        """Hand a record that was read by its id to whom `noting` named; asked: the second before that."""
        if (note := getattr(self._of_this_thread, "note", None)) is not None:
            note(record, asked)

    def page(self, listing: Listing[T], cursor: str | None = None) -> Page[T]:
        """One page of a list, its odd rows set apart. Raises ReadFailed or Halt."""
        return self.unread(listing, cursor).read()

    def unread(self, listing: Listing[T], cursor: str | None = None) -> UnreadPage[T]:
        """The same, its rows not made into records yet."""
        query, body = listing.asked(cursor)
        answer = self._read("GET" if body is None else "POST", listing.path, body=body, query=query)

        def skim(whole: Any) -> UnreadPage[T]:
            rows = whole["data"]
            if not isinstance(rows, list):
                raise ValueError("`data` is not a list")
            onward = whole.get(listing.cursor)
            if onward is not None and not isinstance(onward, str):
                raise ValueError(f"`{listing.cursor}` is not text")
            ids = [listing.id_of(row) for row in rows]
            return UnreadPage(listing, ids, packed_rows(rows, answer.body), onward or None)

        return parsed(answer, skim, load=skimmed_json)

    def every(self, listing: Listing[T], odd: list[OddRow] | None = None) -> tuple[T, ...]:
        """All rows of a list. Raises ReadFailed or Halt.

        odd: takes the rows that can't be read; without it the first of them raises ReadFailed.
        """
        items: list[T] = []
        empty = 0
        cursor: str | None = None
        seen: set[str] = set()
        for _page in range(MOST_PAGES):
            page = self.page(listing, cursor) if odd is not None else self.page(listing, cursor).whole()
            items += page.items
            if odd is not None:
                odd += page.odd
            empty = 0 if page.items or page.odd else empty + 1
            cursor = page.next_cursor
            if cursor is None:
                return tuple(items)
            if cursor in seen:
                raise ReadFailed("Metronome’s list goes round in a circle: a cursor came twice.")
            if empty > MOST_EMPTY_PAGES:
                raise ReadFailed("Metronome’s list doesn’t end: its pages are empty.")
            seen.add(cursor)
        raise ReadFailed(f"The list is longer than {MOST_PAGES} pages.")

    def one(self, item: Item[T]) -> T | None:
        """What is at this address; None when Metronome says in words that there is nothing."""
        answer = self._read("GET" if item.body is None else "POST", item.path, body=item.body)
        if says_unknown(answer):
            return None
        return parsed(answer, lambda whole: item.make(object_in(whole)), item.path)

    def write(self, sending: Sending) -> Answer:
        """Spend a sending and return the answer, confirmed. Takes no budget: take_write_token comes before.

        Raises NotSent, Refused, Halt or OutcomeUnknown; NotToBeSent for a sending that was spent already.
        """
        sending.spend()
        config, call = self.config, sending.call
        headers = {
            "User-Agent": f"countersign/{config.version} ({config.installation}) {sending.reference}",
            "Idempotency-Key": sending.key.header,
        }
        answer = self._exchange(
            call.method, call.path, call.body, None, headers, config.deadline_seconds, keeps=False
        )
        return judged_write(answer, is_resend=sending.is_resend, ids_are_fresh=sending.ids_are_fresh)

    def _read(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, Any] | None = None,
    ) -> RawAnswer:
        """One read: 2xx, or 404 for the caller to judge. Raises ReadFailed or Halt."""
        hold = getattr(self._of_this_thread, "hold", None) or (lambda: None)
        hold()
        try:
            kind = getattr(self._of_this_thread, "kind", "read")
            self.budget.take(kind, timeout_seconds=READ_TOKEN_SECONDS)
        except BudgetExhausted as problem:
            raise ReadFailed(str(problem), retry_after_seconds=problem.wait_seconds) from problem
        except BudgetUnavailable as problem:
            raise ReadFailed(str(problem)) from problem
        hold()
        headers = {"User-Agent": f"countersign/{self.config.version} ({self.config.installation})"}
        answer = self._exchange(
            method, path, body, query, headers, self.config.read_deadline_seconds, keeps=True
        )
        return judged_read(answer)

    def _exchange(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        query: dict[str, Any] | None,
        headers: dict[str, str],
        deadline_seconds: float,
        *,
        keeps: bool,
    ) -> RawAnswer | NoAnswer:
        with self._lock:
            self._spent += 1
        answer = self._wire.exchange(
            method,
            path,
            body=body,
            query=query,
            headers=headers,
            deadline_seconds=deadline_seconds,
            keeps=keeps,
        )
        if isinstance(answer, RawAnswer):
            self._heed(answer)
        return answer

    def _heed(self, answer: RawAnswer) -> None:
        """What an answer asks of everybody: to go slower, and to send nothing for a while."""
        if answer.status == 429:
            self.budget.slow_down()
        if answer.status in (429, 503) and (seconds := retry_after(answer, 0.0)):
            self.budget.hold(seconds)
