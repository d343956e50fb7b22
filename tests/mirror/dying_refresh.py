"""A refresh of the account that dies of SIGKILL after so many pages: `python dying_refresh.py PAGES`."""

from __future__ import annotations

import os
import signal
import sys

import django

django.setup()

from billing.mirror.connection import open_gateway  # noqa: E402
from billing.mirror.models import RefreshRun  # noqa: E402
from billing.mirror.refresh import refresh_account  # noqa: E402


def main() -> None:
    """Refresh, and die on the way."""
    left = int(sys.argv[1])

    def watch(_run: RefreshRun) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_gateway() as gateway:
        refresh_account(gateway, watch=watch)


if __name__ == "__main__":
    main()
