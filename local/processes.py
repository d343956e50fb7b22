"""Children of ours: started so that they die with us, stopped so that nothing of them stays."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
LAUNCHER = Path(__file__).with_name("launch.py")


class CannotStart(Exception):
    """A program can't be started or didn't come up; the text is a sentence for the person at the terminal."""


def start(
    program: Sequence[str],
    *,
    log: IO[bytes],
    environment: Mapping[str, str],
    folder: Path,
    user: tuple[int, int] | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    stdin: bytes | None = None,
) -> subprocess.Popen[bytes]:
    """Start program[0] (an absolute path) as leader of its own process group and session.

    Must be called from a thread that lives as long as the process: the kernel counts the thread as parent.
    user: (uid, gid) to become. death_signal: sent when we die. stdin: given to the program, then closed.
    """
    uid, gid = user or (-1, -1)
    orders = [str(os.getpid()), str(int(death_signal)), str(uid), str(gid)]
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(LAUNCHER), *orders, *program],
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(stdin or b"")
    return child


def stop(
    *children: subprocess.Popen[bytes],
    patience_seconds: float = 10.0,
    polite: signal.Signals = signal.SIGTERM,
) -> None:
    """Ask the children to end, wait, and then end whatever is left of their process groups."""
    for child in children:
        if child.poll() is None:
            child.send_signal(polite)
    give_up = time.monotonic() + patience_seconds
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, give_up - time.monotonic()))
        end_group(child)


def end_group(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child and of the processes that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def last_lines(log: Path, count: int = 12) -> str:
    """Return the end of a log, indented for a terminal; "" when there is none."""
    try:
        text = log.read_bytes()[-16_384:].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-count:])


def end_with_parent(death_signal: signal.Signals) -> None:
    """Ask the kernel to signal us when our own parent dies, where it can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
