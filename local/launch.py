"""Become another program that ends when its parent ends. Started as a script, by local.processes only.

    launch.py PARENT SIGNAL UID GID PROGRAM [ARGUMENT ...]

PARENT: the pid that must still be our parent. SIGNAL: what the program gets when the parent dies.
UID, GID: whom to become first, or -1 -1 to stay who we are.
Linux sends the signal itself (PR_SET_PDEATHSIG). Elsewhere this process stays as the program's keeper:
it watches the parent, passes signals on, and answers with the program's own exit status.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

PR_SET_PDEATHSIG = 1
KEEPER = "COUNTERSIGN_KEEPER"  # set to 1, the keeper is used on Linux too: tests do that
PATIENCE_SECONDS = 15.0


def main(arguments: list[str]) -> int:
    parent, death_signal, uid, gid = (int(number) for number in arguments[:4])
    program = arguments[4:]
    if uid >= 0:
        become(uid, gid)
    if sys.platform == "linux" and os.environ.pop(KEEPER, "") != "1":
        # After changing the user: the kernel forgets the wish when credentials change.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            return 1
        os.execv(program[0], program)  # noqa: S606 (no shell is wanted here)
    return keep(program, parent, signal.Signals(death_signal))


def become(uid: int, gid: int) -> None:
    """Drop root for good."""
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except OSError as problem:
        raise SystemExit(
            f"PostgreSQL refuses to run as root, and this root may not become user {uid} ({problem}). "
            "Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own."
        ) from None


def keep(program: list[str], parent: int, death_signal: signal.Signals) -> int:
    """Run the program until it ends or the parent does; return its exit status, 128 + n after signal n."""
    child = subprocess.Popen(program)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, pass_on)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        child.send_signal(death_signal)
        time.sleep(PATIENCE_SECONDS)
        child.kill()

    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
