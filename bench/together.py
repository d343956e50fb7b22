"""Several threads at the same work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.db import connections


def together(threads: int, work: Callable[[], object]) -> float:
    """Seconds until so many threads, begun at once, have done the work."""

    def run() -> None:
        start.wait()
        try:
            work()
        finally:
            connections.close_all()

    start = threading.Barrier(threads + 1)
    running = [threading.Thread(target=run) for _each in range(threads)]
    for thread in running:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in running:
        thread.join()
    return time.perf_counter() - began
