"""The program behind `make demo`: everything on this machine, until Ctrl-C.

    python -m local.demo [--remove]

PORT (8000): where it answers. DEMO_DIR (.demo): where its data, secrets and logs stay between starts.
DATABASE_URL, REDIS_URL: servers to use instead of our own. METRONOME_BASE_URL: a real Metronome to use
instead of the simulator (with METRONOME_ENVIRONMENT and METRONOME_BEARER_TOKEN).
--remove: end the demo that runs on DEMO_DIR, if any, and delete its data.
"""

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

from local.configuration import ROOT, Configuration, data_folder, read_configuration
from local.manage import forget_settings, keep_settings
from local.places import is_port_taken, make_own_folder
from local.processes import CannotStart, end_with_parent
from local.programs import Programs, Servers, steps, welcome_words
from local.removal import remove
from local.supervisor import StopAsked, Supervisor

ADDRESS = "address"  # holds what there is to know while it is up, the URL first
LOCK = "lock"
WAIT_SECONDS = 300.0  # for another demo on the same folder to come up or to end


def main(arguments: Sequence[str]) -> int:
    """Run the demo until somebody ends it. Returns 0 after Ctrl-C or SIGTERM, 1 when something failed."""
    os.umask(0o077)  # logs and data are nobody else's to read
    if "MAKELEVEL" in os.environ:
        end_with_parent(signal.SIGTERM)  # a killed make takes the demo along
    listen_for_the_end()
    try:
        folder = data_folder(os.environ)
        if "--remove" in arguments:
            remove(folder)
            return 0
        with lock(folder) as welcome:
            if welcome:
                print(f"The demo in {folder} is already up: {welcome}")
                return 0
            return run(read_configuration(os.environ, folder))
    except CannotStart as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except StopAsked:
        return 0


def run(configuration: Configuration) -> int:
    """Start everything, say where it is, look after it, and end it all whatever happens."""
    check_port(configuration.port)
    supervisor = Supervisor(ROOT, configuration.logs, say=lambda words: print(words, flush=True))
    servers = Servers(configuration)
    try:
        start(configuration, servers, supervisor)
        supervisor.watch(also=servers.check)
    except StopAsked as asked:
        print(f"\nStopping, as asked by {asked} …", flush=True)
    finally:
        (configuration.folder / ADDRESS).unlink(missing_ok=True)  # first: from now on it isn't up
        forget_settings(configuration.folder)
        end(servers, supervisor)
    return 0


def check_port(port: int) -> None:
    """Raise CannotStart unless we can listen on the port."""
    try:
        is_taken = is_port_taken(port)
    except OSError as problem:
        raise CannotStart(
            f"Port {port} can't be used: {problem.strerror}. Choose another: PORT=8000"
        ) from None
    if is_taken:
        other = port % 65_535 + 1
        raise CannotStart(f"Port {port} is taken by another program. Choose another: make demo PORT={other}")


def start(configuration: Configuration, servers: Servers, supervisor: Supervisor) -> None:
    """Bring everything up in order, each step with its time."""
    began = time.monotonic()
    for sentence, step in steps(configuration, servers, supervisor):
        print(f"  {sentence} …", end="", flush=True)
        step_began = time.monotonic()
        step()
        print(f" {time.monotonic() - step_began:.1f} s", flush=True)
    keep_settings(configuration.folder, Programs(configuration, servers).command("help"))
    welcome = f"{configuration.url}\n\n{welcome_words(configuration.metronome)}"
    (configuration.folder / ADDRESS).write_text(welcome, encoding="utf-8")
    print(
        f"\nCountersign is up after {time.monotonic() - began:.0f} s: {welcome}\n\n"
        f"Logs are in {configuration.logs}. Ctrl-C ends it all; the data stays in {servers.places()}.",
        flush=True,
    )


def end(servers: Servers, supervisor: Supervisor) -> None:
    """End everything in order; at a second Ctrl-C at once."""
    try:
        supervisor.stop()
    except StopAsked:
        supervisor.kill()
    servers.stop()


def listen_for_the_end() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal raise StopAsked."""

    def ask(number: int, _frame: FrameType | None) -> NoReturn:
        raise StopAsked("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[str]:
    """Hold the folder for this process and give ""; where another demo is up on it, give its welcome instead.

    A demo that is just starting or ending is waited for; raises CannotStart when that takes too long. The
    lock dies with its holder.
    """
    give_up = time.monotonic() + WAIT_SECONDS
    is_told = False
    while (file := _take(folder)) is None:
        if welcome := _welcome(folder):
            yield welcome
            return
        if time.monotonic() > give_up:
            raise CannotStart(f"The demo in {folder} neither comes up nor ends; its own terminal says why.")
        if not is_told:
            print(f"Another demo is just starting or ending in {folder}; waiting for it …", flush=True)
            is_told = True
        time.sleep(0.2)
    with file:
        (folder / ADDRESS).unlink(missing_ok=True)  # of one that was killed
        yield ""


def _take(folder: Path) -> IO[str] | None:
    """Return the folder's lock file, locked and with our number in it, or None while another has it."""
    make_own_folder(folder)  # the other may be `make clean`
    file = (folder / LOCK).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(file.fileno()), (folder / LOCK).stat()):
            raise BlockingIOError("removed meanwhile")
    except OSError:
        file.close()
        return None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _welcome(folder: Path) -> str:
    try:
        return (folder / ADDRESS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
