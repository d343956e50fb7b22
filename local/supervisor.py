"""One parent for the processes of the demo: starts them, restarts some, and ends all with itself."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from local.places import open_log
from local.processes import CannotStart, end_group, last_lines, start, stop

RESTARTS, RESTART_WINDOW_SECONDS, FIRST_DELAY_SECONDS = 5, 60.0, 1.0  # the delay doubles each time
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.25


class StopAsked(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP: go down in order. Not an Exception: no handler of errors may take it."""


@dataclass(frozen=True, slots=True)
class Program:
    """command[0] is an absolute path. may_restart: it keeps nothing in memory that the others need.

    death_signal: what it gets when the supervisor dies without a word.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(repr=False)
    may_restart: bool = False
    death_signal: signal.Signals = signal.SIGTERM


@dataclass(slots=True)
class Running:
    program: Program
    process: subprocess.Popen[bytes]
    deaths: list[float] = field(default_factory=list)  # monotonic seconds, those of the last minute
    restart_at: float | None = None


class Supervisor:
    """Keeps programs running in `folder`, with a log each in `logs`. Use from the main thread only."""

    def __init__(self, folder: Path, logs: Path, say: Callable[[str], None]) -> None:
        self.folder, self.logs, self.say = folder, logs, say
        self.running: list[Running] = []

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def start(self, program: Program) -> None:
        """Start a program; an old log of its name is kept as NAME.log.1."""
        log = self.log_of(program.name)
        with contextlib.suppress(FileNotFoundError):
            log.replace(log.with_suffix(".log.1"))
        self.running.append(Running(program, self._launch(program)))

    def run(self, program: Program) -> None:
        """Run a program to its end; raise CannotStart with its last words unless it ends well."""
        self.start(program)
        current = self.running[-1]
        status = current.process.wait()
        self.running.remove(current)
        end_group(current.process)
        if status:
            raise CannotStart(self._last_words(program, current.process))

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float, sentence: str) -> None:
        """Wait for a program to come up; raise CannotStart if anything dies meanwhile or time runs out."""
        give_up = time.monotonic() + seconds
        while not is_ready():
            for current in self.running:
                if current.process.poll() is not None:
                    raise CannotStart(self._last_words(current.program, current.process))
            if time.monotonic() > give_up:
                raise CannotStart(sentence)
            time.sleep(0.05)

    def watch(self, also: Callable[[], None]) -> None:
        """Look after the programs until StopAsked; raise CannotStart when one that must live has died.

        also: called at every look; raises CannotStart for what is not ours to restart.
        """
        while True:
            for current in self.running:
                self._look_after(current)
            also()
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """End everything, first those that lean on others; what doesn't end in time is killed."""
        leaning = [current.process for current in self.running if current.program.may_restart]
        others = [current.process for current in self.running if not current.program.may_restart]
        stop(*leaning, patience_seconds=STOP_SECONDS)
        stop(*others, patience_seconds=STOP_SECONDS)
        self.running.clear()

    def kill(self) -> None:
        """End everything at once."""
        for current in self.running:
            end_group(current.process)
        self.running.clear()

    def _launch(self, program: Program) -> subprocess.Popen[bytes]:
        with open_log(self.log_of(program.name)) as log:
            return start(
                program.command,
                log=log,
                environment=program.environment,
                folder=self.folder,
                death_signal=program.death_signal,
            )

    def _look_after(self, current: Running) -> None:
        now = time.monotonic()
        if current.restart_at is not None:
            if now >= current.restart_at:
                current.process, current.restart_at = self._launch(current.program), None
            return
        if current.process.poll() is None:
            return
        end_group(current.process)  # what it started must not go on without it
        words = self._last_words(current.program, current.process)
        current.deaths = [*(at for at in current.deaths if now - at < RESTART_WINDOW_SECONDS), now]
        if not current.program.may_restart or len(current.deaths) > RESTARTS:
            raise CannotStart(words)
        delay = FIRST_DELAY_SECONDS * 2 ** (len(current.deaths) - 1)
        self.say(f"{words}\nStarting {current.program.name} again in {delay:.0f} s.")
        current.restart_at = now + delay

    def _last_words(self, program: Program, process: subprocess.Popen[bytes]) -> str:
        status = process.returncode
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        log = self.log_of(program.name)
        return f"{program.name} {how}. The end of {log}:\n{last_lines(log)}"
