"""A worker that is killed with SIGKILL at a named step: `python crashing_worker.py CHANGE STEP WHEN [NTH]`.

STEP is a function of billing/changes/applying/apply.py or filing.py; WHEN is before or after; NTH says which
time it gets there (1). The process has no chance to clean up, exactly as when the machine loses power.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from billing.changes.applying import apply, filing  # noqa: E402
from billing.metronome.account import Gateway  # noqa: E402
from billing.mirror.connection import open_gateway  # noqa: E402

PLACES: dict[str, tuple[Any, str]] = {
    "claim": (apply, "claim_change"),
    "verify": (apply, "verified"),
    "check": (apply, "differences"),
    "token": (Gateway, "take_write_token"),
    "journal": (apply, "journal"),
    "send": (Gateway, "write"),
    "file": (filing, "file_applied"),
    "record": (filing, "file_done_here"),
    "finish": (apply, "_finish"),
}


def killing(function: Callable[..., Any], when: str, nth: int) -> Callable[..., Any]:
    """The function, with a SIGKILL of this process before or after the nth time that it is called."""
    times = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal times
        times += 1
        if times != nth:
            return function(*args, **kwargs)
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


def main() -> None:
    """Apply one request, and die on the way."""
    change_id, step, when = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    owner, name = PLACES[step]
    nth = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    setattr(owner, name, killing(getattr(owner, name), when, nth))
    with open_gateway() as gateway:
        apply.apply_change(change_id, gateway)


if __name__ == "__main__":
    main()
