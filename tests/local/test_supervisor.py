"""The one parent: starts again what may be, goes down with what may not, and leaves nothing behind."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local import supervisor as module
from local.processes import CannotStart
from local.supervisor import Program, StopAsked, Supervisor

GIVE_UP_SECONDS = 30
SLEEP = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 0.01)
    supervisor = Supervisor(tmp_path, tmp_path, said.append)
    yield supervisor
    supervisor.kill()


def program(text: str, *, may_restart: bool = False) -> Program:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return Program("clerk", (sys.executable, "-c", text), environment, may_restart=may_restart)


def stop_once(is_done: Callable[[], bool]) -> Callable[[], None]:
    """Ask the supervisor to stop as soon as something is so, or give up."""
    give_up = time.monotonic() + GIVE_UP_SECONDS

    def look() -> None:
        if is_done() or time.monotonic() > give_up:
            raise StopAsked

    return look


def test_a_program_that_may_be_is_started_again_and_the_end_of_its_log_is_told(
    supervisor: Supervisor, said: list[str]
):
    supervisor.start(program("print('I fell'); raise SystemExit(3)", may_restart=True))

    with pytest.raises(StopAsked):
        supervisor.watch(also=stop_once(lambda: len(said) == 2))

    log = supervisor.log_of("clerk")
    assert said[0].startswith(f"clerk ended with status 3. The end of {log}:\n    I fell\n")
    assert said[0].endswith("Starting clerk again in 0 s.")


def test_one_that_keeps_dying_takes_everything_down(supervisor: Supervisor, said: list[str]):
    supervisor.start(program("raise SystemExit(1)", may_restart=True))

    with pytest.raises(CannotStart, match="clerk ended with status 1"):
        supervisor.watch(also=stop_once(lambda: False))

    assert len(said) == module.RESTARTS


def test_one_that_must_live_takes_everything_down_at_once(supervisor: Supervisor, said: list[str]):
    supervisor.start(program(SLEEP))
    supervisor.running[0].process.kill()

    with pytest.raises(CannotStart, match="clerk was ended by SIGKILL"):
        supervisor.watch(also=stop_once(lambda: False))

    assert said == []


def test_a_step_that_fails_tells_its_last_words(supervisor: Supervisor):
    with pytest.raises(CannotStart, match=r"(?s)clerk ended with status 2.*    no such table"):
        supervisor.run(program("print('no such table'); raise SystemExit(2)"))
    assert supervisor.running == []


def test_waiting_ends_when_what_is_waited_for_dies(supervisor: Supervisor):
    supervisor.start(program("raise SystemExit(4)"))

    with pytest.raises(CannotStart, match="clerk ended with status 4"):
        supervisor.wait_until(lambda: False, seconds=GIVE_UP_SECONDS, sentence="never came")


def test_stopping_leaves_no_process_and_keeps_the_log_of_the_time_before(supervisor: Supervisor):
    supervisor.start(program(SLEEP, may_restart=True))
    supervisor.start(program(SLEEP))
    processes = [psutil.Process(current.process.pid) for current in supervisor.running]

    supervisor.stop()

    assert psutil.wait_procs(processes, timeout=0)[1] == []
    assert supervisor.running == []
    assert supervisor.log_of("clerk").with_suffix(".log.1").exists()
