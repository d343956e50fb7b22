"""`python -m simulator`: what it takes, what it refuses, and the state that it keeps."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from simulator.__main__ import arguments, is_loopback, main, save, service_for
from simulator.running import ROOT, TOKEN


@contextmanager
def running(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run it until the block ends; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port=0", "--customers=3", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process.stdout.readline().split()[-1], process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_help_names_every_dial(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])

    told = capsys.readouterr().out
    assert caught.value.code == 0
    for name in ("host", "port", "seed", "customers", "plans", "contracts", "months", "churn", "state"):
        assert f"--{name}" in told
    for name in ("latency", "rate", "family-rate", "retry-after", "trial", "keep", "token"):
        assert f"--{name}" in told


def test_it_listens_on_loopback_unless_told_otherwise() -> None:
    assert arguments([]).host == "127.0.0.1"
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.com")] == [  # noqa: S104
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port=70000"], "'70000' is not a whole number between 0 and 65,535"),
        (["--port=http"], "'http' is not a whole number between 0 and 65,535"),
        (["--customers=-1"], "'-1' is not a whole number between 0 and 1,000,000"),
        (["--churn=1.5"], "'1.5' is not a number between 0 and 1"),
        (["--latency=nan"], "'nan' is not a number between 0 and 600,000"),
        (["--rate=-3"], "'-3' is not a number between 0 and 1,000,000"),
        (["--trial=0"], "'0' is not a whole number between 1 and 1,000,000"),
        (["--family-rate=nothing=2"], "'nothing' is no family; there are "),
        (["--family-rate=contracts"], "'contracts' is not FAMILY=PER_SECOND"),
        (["--token=two words"], "--token must be printable ASCII without spaces"),
        (["--state=/nowhere/at/all.json"], "/nowhere/at/all.json can't be written"),
        (["--state=/"], "/ can't be written: it is a folder"),
        (["--speed=9"], "unrecognized arguments: --speed=9"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        arguments(words)

    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = main([f"--port={port}", "--customers=0"])

    assert ended == 1
    assert capsys.readouterr().err.startswith(f"simulator: 127.0.0.1:{port}: ")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"main": {}}', "\x00"])
def test_a_state_file_without_a_state_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)

    assert main([f"--state={path}"]) == 1

    assert capsys.readouterr().err.startswith(f"simulator: {path} can't be restored: ")
    assert path.read_text() == content


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_what_was_done_is_there_after_a_restart(tmp_path: Path, stop: signal.Signals) -> None:
    path = tmp_path / "state.json"
    headers = {"authorization": f"Bearer {TOKEN}"}
    with running(f"--state={path}") as (url, process):
        made = httpx.post(f"{url}/v1/customers", json={"name": "Kept"}, headers=headers).json()["data"]["id"]
        process.send_signal(stop)
        assert process.wait(30) == 0

    with running(f"--state={path}", "--customers=9") as (url, _process):
        answer = httpx.get(f"{url}/v1/customers/{made}", headers=headers).json()
        health = httpx.get(f"{url}/_sim/health").json()

    assert answer["data"]["name"] == "Kept"
    assert health["customers"] == 4
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    service = service_for(arguments(["--customers=2", f"--state={path}"]))
    save(service, path)
    before = path.read_bytes()
    service.world("main").customers.clear()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(service, path)

    assert path.read_bytes() == before
    assert len(orjson.loads(before)["main"]["customers"]) == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--trial"], {"trial": 5, "latency": 0.0, "account": 0.0, "families": {}, "retry_after": None}),
        (
            ["--trial=7", "--latency=250", "--rate=8", "--family-rate=contracts=2", "--retry-after=3"],
            {"trial": 7, "latency": 0.25, "account": 8, "families": {"contracts": 2}, "retry_after": 3},
        ),
    ],
)
def test_words_reach_what_they_turn(words: list[str], expected: dict[str, Any]) -> None:
    service = service_for(arguments(["--customers=1", *words]))

    assert {
        "trial": service.world("main").trial_limit,
        "latency": service.latency_seconds,
        "account": service.limits.account,
        "families": service.limits.families,
        "retry_after": service.limits.retry_after,
    } == expected


WARNING = "simulator: whoever reaches this address can read and change its accounts\n"


def test_an_address_beyond_this_machine_is_warned_about_and_its_control_plane_asks_for_a_token() -> None:
    with running("--host=0.0.0.0") as (url, process):
        port = url.rpartition(":")[2]
        refused = httpx.get(f"http://127.0.0.1:{port}/_sim/clock").status_code
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=30)

    assert refused == 401
    assert re.fullmatch(WARNING + r"simulator: /_sim asks for the token [\w-]{32}\n", err)


def test_the_control_plane_asks_for_the_token_that_was_given() -> None:
    with running("--host=0.0.0.0", "--control-token=open-sesame") as (url, process):
        address = f"http://127.0.0.1:{url.rpartition(':')[2]}/_sim"
        headers = {"authorization": "Bearer open-sesame"}
        asked = [httpx.get(f"{address}/clock", headers=each).status_code for each in ({}, headers)]
        health = httpx.get(f"{address}/health").status_code
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=30)

    assert (asked, health, err) == ([401, 200], 200, WARNING)
