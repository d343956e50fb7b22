"""One worker process of the bench: it applies what is due with so many threads.

`python -m bench.worker THREADS`, with a worker's environment. It says `ready`, begins when it hears a line,
and ends with a line that says how many requests it spent, and milliseconds of processor time.
"""

from __future__ import annotations

import sys
import time

import django

django.setup()

from bench.together import together  # noqa: E402
from billing.changes.applying import sweeping  # noqa: E402
from billing.mirror.connection import ensure_account, open_gateway  # noqa: E402


def main() -> None:
    threads = int(sys.argv[1])
    with open_gateway() as gateway:
        ensure_account(gateway)
        spent, cpu = gateway.requests_spent, time.process_time()
        say("ready")
        sys.stdin.readline()
        together(threads, lambda: sweeping.apply_due(gateway))
        say(f"{gateway.requests_spent - spent} {(time.process_time() - cpu) * 1000:.1f}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
