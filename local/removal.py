"""Ending a demo for good, its data included."""

import fcntl
import os
import shutil
import signal
import time
from pathlib import Path

from local.processes import CannotStart

OURS = (
    *("postgres", "redis", "logs", "static", "address", "secret_key", "beat-schedule", "heartbeat-"),
    "manage-settings.json",
)
SECONDS = 60.0


def remove(folder: Path) -> None:
    """End the demo that runs on the folder and delete what demos keep there; anything else stays.

    Raises CannotStart when that demo doesn't end.
    """
    with (folder / "lock").open("a+", encoding="utf-8") as lock:
        _take(lock.fileno(), folder)
        pointer = folder / "postgres" / "elsewhere"
        if pointer.exists():
            shutil.rmtree(pointer.read_text(encoding="utf-8"), ignore_errors=True)
        for path in folder.iterdir():
            if path.name.startswith((*OURS, "simulator")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (folder / "lock").unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
    print(f"The demo's data in {folder} is gone.")


def _take(descriptor: int, folder: Path) -> None:
    """Take the folder's lock, after asking its holder to end."""
    asked = False
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = (folder / "lock").read_text(encoding="utf-8").strip()
            if not asked and holder.isdecimal():
                print(f"Ending the demo that runs there (process {holder}) …", flush=True)
                os.kill(int(holder), signal.SIGTERM)
                asked = True
            time.sleep(0.1)
        else:
            return
    raise CannotStart(f"The demo that runs on {folder} doesn't end.")
