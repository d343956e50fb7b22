"""What `make demo` takes from the environment, and what it refuses."""

import stat
from pathlib import Path

import pytest

from local import configuration as module
from local.configuration import data_folder, read_configuration
from local.processes import CannotStart
from local.programs import Programs, Servers

REAL = {
    "METRONOME_BASE_URL": "https://api.metronome.com",
    "METRONOME_BEARER_TOKEN": "a token",
    "METRONOME_ENVIRONMENT": "sandbox",
}


def test_without_a_word_the_demo_runs_a_simulator_of_its_own_on_port_8000(tmp_path: Path):
    read = read_configuration({"PATH": "/bin"}, tmp_path)

    assert read.url == "http://127.0.0.1:8000/"
    assert read.metronome.is_ours
    assert read.metronome.environment == "simulator"
    assert read.metronome.base_url.startswith("http://127.0.0.1:")
    assert (read.database_url, read.redis_url) == ("", "")


def test_secrets_and_the_simulator_stay_the_same_between_starts(tmp_path: Path):
    first, second = read_configuration({}, tmp_path), read_configuration({}, tmp_path)

    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 50
    assert first.metronome == second.metronome
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert first.secret_key not in repr(first)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "8000.5"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str):
    with pytest.raises(CannotStart) as refusal:
        read_configuration({"PORT": port}, tmp_path)
    assert str(refusal.value) == f"PORT must be a number between 1 and 65535, not {port!r}."


@pytest.mark.parametrize("processes", ["many", "0", "33", "1.5"])
def test_a_number_of_workers_that_is_none_is_refused(tmp_path: Path, processes: str):
    with pytest.raises(CannotStart) as refusal:
        read_configuration({"WORKER_CHANGES_PROCESSES": processes}, tmp_path)
    assert str(refusal.value) == (
        f"WORKER_CHANGES_PROCESSES must be a number between 1 and 32, not {processes!r}."
    )


@pytest.mark.parametrize(("given", "processes"), [({}, 1), ({"WORKER_CHANGES_PROCESSES": "3"}, 3)])
def test_as_many_workers_as_asked_for_apply_requests(tmp_path: Path, given: dict[str, str], processes: int):
    owned = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    configuration = read_configuration({**owned, **given}, tmp_path)
    started = Programs(configuration, Servers(configuration)).workers()

    changes = [each for each in started if each.environment["COUNTERSIGN_PROCESS"] == "worker-changes"]
    names = ["worker-changes", "worker-changes-2", "worker-changes-3"][:processes]
    assert [each.name for each in started] == [*names, "worker-checks", "worker-refresh"]
    assert [each.name for each in changes] == names
    assert all("changes,sweeps" in each.command for each in changes)
    assert len({each.environment["HEARTBEAT_FILE"] for each in changes}) == processes
    assert len({each.command[each.command.index("--hostname") + 1] for each in changes}) == processes


def test_a_real_metronome_is_named_whole_or_not_at_all(tmp_path: Path):
    read = read_configuration(REAL, tmp_path)
    assert (read.metronome.base_url, read.metronome.environment, read.metronome.is_ours) == (
        "https://api.metronome.com",
        "sandbox",
        False,
    )

    for missing in ("METRONOME_BEARER_TOKEN", "METRONOME_ENVIRONMENT"):
        with pytest.raises(CannotStart) as refusal:
            read_configuration({**REAL, missing: ""}, tmp_path)
        assert str(refusal.value) == (
            f"METRONOME_BASE_URL is set, so {missing} must be too (see .env.example)."
        )


def test_the_demo_does_not_touch_production(tmp_path: Path):
    with pytest.raises(CannotStart, match="so it doesn't touch production"):
        read_configuration({**REAL, "METRONOME_ENVIRONMENT": "production"}, tmp_path)


def test_a_real_metronome_has_a_data_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(module, "ROOT", tmp_path)

    assert data_folder({}) == tmp_path / ".demo"
    assert data_folder(REAL) == tmp_path / ".demo-sandbox"
    assert data_folder({**REAL, "DEMO_DIR": "elsewhere"}) == tmp_path / "elsewhere"
    assert (tmp_path / "elsewhere").is_dir()


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "taken").touch()
    with pytest.raises(CannotStart, match="DEMO_DIR can't be used: "):
        data_folder({"DEMO_DIR": str(tmp_path / "taken")})


def test_children_inherit_the_numbers_that_may_be_tuned_and_no_secret(tmp_path: Path):
    given = {
        **REAL,
        "SETTLE_SECONDS": "200",
        "DATABASE_URL": "postgresql://x/y",
        "SECRET_KEY": "mine",
        "HOME": "/h",
    }

    inherited = read_configuration(given, tmp_path).inherited

    assert inherited == {
        "HOME": "/h",
        "SETTLE_SECONDS": "200",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "adminsite.settings",
    }
    assert "SETTLE_SECONDS" not in read_configuration({}, tmp_path).inherited
