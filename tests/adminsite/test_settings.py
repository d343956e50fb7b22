"""Half a configuration doesn't start, and each process asks only for what it needs."""

import ast
import os
import runpy
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from local.variables import our_names, without_ours

ADMINSITE = Path(__file__).resolve().parents[2] / "adminsite"
KEY = "k" * 50
SERVERS = {
    "DATABASE_URL": "postgresql://me:p%40ss@db.example:5433/ledger?sslmode=verify-full",
    "REDIS_URL": "redis://:hush@redis.example:6379/2",
}
SITE = {"SECRET_KEY": KEY, "ALLOWED_HOSTS": "a.example, b.example", "SITE_URL": "https://a.example/"}
METRONOME = {"METRONOME_BASE_URL": "https://api.metronome.com", "METRONOME_BEARER_TOKEN": "token"}
Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read the settings as a process of that role would, with these variables and no others."""

    def with_variables(process: str, *groups: dict[str, str], **more: str) -> dict[str, Any]:
        for name in os.environ.keys() - without_ours(os.environ).keys():
            monkeypatch.delenv(name)
        monkeypatch.setenv("COUNTERSIGN_PROCESS", process)
        for name, value in {k: v for group in (*groups, more) for k, v in group.items()}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ADMINSITE / "settings.py"))

    return with_variables


def refused(read: Read, *arguments: Any, **more: str) -> str:
    with pytest.raises(ImproperlyConfigured) as problem:
        read(*arguments, **more)
    return str(problem.value)


def test_the_web_process_needs_no_token(read: Read):
    settings = read("web", SERVERS, SITE, METRONOME_ENVIRONMENT="production")

    assert settings["METRONOME"].bearer_token == ""
    assert settings["ALLOWED_HOSTS"] == ["a.example", "b.example"]
    assert settings["SITE_URL"] == "https://a.example"
    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://a.example"]


@pytest.mark.parametrize("process", ["web", "beat"])
@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_only_workers_may_hold_the_token(read: Read, process: str, environment: str):
    sentence = refused(read, process, SERVERS, SITE, METRONOME, METRONOME_ENVIRONMENT=environment)

    assert sentence == (
        f"METRONOME_BEARER_TOKEN is set for the {process} process; only workers may hold it. Take it out."
    )


@pytest.mark.parametrize(
    "missing",
    ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "SITE_URL", "METRONOME_ENVIRONMENT"],
)
def test_the_web_process_names_what_it_lacks(read: Read, missing: str):
    given = {**SERVERS, **SITE, "METRONOME_ENVIRONMENT": "sandbox"}
    del given[missing]

    assert (
        refused(read, "web", given) == f"{missing} is not set, and this process needs it (see .env.example)."
    )


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL", *METRONOME, "METRONOME_ENVIRONMENT"])
def test_a_worker_names_what_it_lacks_and_needs_no_secret_key(read: Read, missing: str):
    given = {**SERVERS, **METRONOME, "METRONOME_ENVIRONMENT": "sandbox"}
    assert read("worker-changes", given)["METRONOME"].bearer_token == "token"
    monkey = {name: value for name, value in given.items() if name != missing}

    sentence = refused(read, "worker-changes", monkey)

    assert sentence == f"{missing} is not set, and this process needs it (see .env.example)."


def test_beat_needs_no_database_and_a_build_needs_nothing(read: Read):
    assert read("beat", REDIS_URL=SERVERS["REDIS_URL"], METRONOME_ENVIRONMENT="sandbox")["DATABASES"] == {}
    assert read("build")["DATABASES"] == {}


def test_the_database_url_is_taken_apart(read: Read):
    entry = read("worker-refresh", SERVERS, METRONOME, METRONOME_ENVIRONMENT="sandbox")["DATABASES"][
        "default"
    ]

    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"], entry["NAME"]) == (
        "me",
        "p@ss",
        "db.example",
        "5433",
        "ledger",
    )
    assert entry["OPTIONS"] == {
        "sslmode": "verify-full",
        "application_name": "countersign-worker-refresh",
        "connect_timeout": "5",
        "prepare_threshold": 5,
        "pool": {"min_size": 1, "max_size": 14, "timeout": 5},
    }


def test_a_simulator_is_on_this_machine_and_no_token_travels_unencrypted(read: Read):
    token = {"METRONOME_BEARER_TOKEN": "token"}
    assert refused(read, "worker-changes", SERVERS, METRONOME, METRONOME_ENVIRONMENT="simulator") == (
        "METRONOME_ENVIRONMENT is simulator, but METRONOME_BASE_URL (https://api.metronome.com) "
        "is another machine."
    )
    assert refused(
        read,
        "worker-changes",
        SERVERS,
        token,
        METRONOME_BASE_URL="http://api.metronome.com",
        METRONOME_ENVIRONMENT="sandbox",
    ) == ("METRONOME_BASE_URL (http://api.metronome.com) would send the token unencrypted; use https://.")
    local = read(
        "worker-changes",
        SERVERS,
        token,
        METRONOME_BASE_URL="http://127.0.0.1:8790",
        METRONOME_ENVIRONMENT="simulator",
    )
    assert local["METRONOME"].base_url == "http://127.0.0.1:8790"


def test_the_token_never_shows_in_a_repr(read: Read):
    settings = read("worker-changes", SERVERS, METRONOME, METRONOME_ENVIRONMENT="sandbox")
    assert "token'" not in repr(settings["METRONOME"])


def test_a_lease_outlives_the_write_it_covers(read: Read):
    worker = (SERVERS, METRONOME, {"METRONOME_ENVIRONMENT": "sandbox"})
    assert refused(read, "worker-changes", *worker, LEASE_SECONDS="45").startswith(
        "LEASE_SECONDS must be longer than WRITE_DEADLINE_SECONDS and LEASE_MARGIN_SECONDS together"
    )
    assert read("worker-changes", *worker, LEASE_SECONDS="46")["LEASE_SECONDS"] == 46


def test_settle_is_short_only_with_the_simulator(read: Read):
    assert refused(
        read, "worker-changes", SERVERS, METRONOME, METRONOME_ENVIRONMENT="sandbox", SETTLE_SECONDS="29"
    ).startswith("SETTLE_SECONDS must not be shorter than WRITE_DEADLINE_SECONDS")
    assert (
        read("manage", SERVERS, METRONOME_ENVIRONMENT="simulator", SETTLE_SECONDS="1")["SETTLE_SECONDS"] == 1
    )


def test_debug_is_for_the_simulator_only_and_a_secret_key_is_long(read: Read):
    assert refused(read, "web", SERVERS, SITE, METRONOME_ENVIRONMENT="sandbox", DEBUG="1") == (
        "DEBUG shows secrets in error pages; it is for the simulator only."
    )
    short = {**SITE, "SECRET_KEY": "k" * 49}
    assert refused(read, "web", SERVERS, short, METRONOME_ENVIRONMENT="sandbox") == (
        "SECRET_KEY must be random and at least 50 characters long."
    )


def test_env_example_lists_every_variable_that_is_read_and_no_other():
    read_somewhere = set()
    for path in ADMINSITE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = ast.unparse(node.func)
                if name.startswith("env_") or name == "os.environ.get":
                    read_somewhere.add(node.args[0].value)
    assert read_somewhere == our_names()


def test_env_example_says_something_about_each_variable():
    lines = (ADMINSITE.parent / ".env.example").read_text(encoding="utf-8").splitlines()
    silent = [
        name for before, name in pairwise(lines) if "=" in name.split(" ")[0] and not before.startswith("#")
    ]
    assert silent == []
