"""Reading a list in a thread of its own, some pages ahead of whoever stores them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

PAGES_AHEAD = 15
"""So many pages wait to be stored at most: memory stays flat however slow storing is."""


class Ahead(Generic[T]):
    """What an iterator yields, taken from it in another thread. Raises here what it raises there."""

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._given_up = threading.Event()
        self._waiting: queue.Queue[tuple[T | None, BaseException | None, bool]] = queue.Queue(PAGES_AHEAD)
        self._is_over = False
        self._thread = threading.Thread(target=self._work, name="reading ahead", daemon=True)
        self._thread.start()

    def next(self, timeout_seconds: float) -> T | None:
        """The next item; None when none came in time, or there are no more: see `is_over`."""
        if self._is_over:
            return None
        try:
            item, problem, self._is_over = self._waiting.get(timeout=max(0.0, timeout_seconds))
        except queue.Empty:
            return None
        if problem is not None:
            self._is_over = True
            raise problem
        return item

    @property
    def is_over(self) -> bool:
        """Whether the last item was handed out."""
        return self._is_over

    def give_up(self) -> None:
        """Take no more; returns when the other thread has ended, which a request under way delays."""
        self._given_up.set()
        self._thread.join()

    def _work(self) -> None:
        problem: BaseException | None = None
        try:
            for item in self._items:
                if not self._put((item, None, False)):
                    return
        except BaseException as raised:  # noqa: BLE001  whoever takes the items shall raise it
            problem = raised
        self._put((None, problem, True))

    def _put(self, item: tuple[T | None, BaseException | None, bool]) -> bool:
        while not self._given_up.is_set():
            try:
                self._waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


@contextmanager
def ahead(items: Iterator[T]) -> Iterator[Ahead[T]]:
    """The items of an iterator, taken in another thread that ends with this block."""
    taken = Ahead(items)
    try:
        yield taken
    finally:
        taken.give_up()
