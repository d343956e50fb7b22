"""docker-compose.yml and the Dockerfile: who gets which secret, and that each process starts with it."""

import os
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from local.programs import QUEUES
from local.variables import is_ours, our_names, without_ours

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = {
    "METRONOME_ENVIRONMENT": "sandbox",
    "METRONOME_BASE_URL": "https://api.metronome.com",
    "SITE_URL": "https://countersign.example.com",
    "ALLOWED_HOSTS": "countersign.example.com",
    "MAIL_FROM": "countersign@example.com",
}
OURS = {"web", "worker-changes", "worker-checks", "worker-refresh", "beat", "migrate", "manage"}
ONE_OFF = {"migrate", "manage"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that deploy/make-secrets.sh fills, with a token put in."""
    root = tmp_path_factory.mktemp("production")
    shutil.copytree(ROOT / "deploy", root / "deploy")
    subprocess.run([root / "deploy" / "make-secrets.sh"], check=True, capture_output=True)
    (root / ".secrets" / "metronome_bearer_token").write_text("a-token\n", encoding="utf-8")
    return root / ".secrets"


def holders(compose: dict[str, Any], secret: str) -> set[str]:
    return {name for name, service in compose["services"].items() if secret in service.get("secrets", ())}


def substituted(value: str) -> str:
    """The value as compose would fill it in from the operator's .env."""

    def fill(match: re.Match[str]) -> str:
        name, default = match[1], match[2] or ""
        return OPERATOR.get(name) or default.removeprefix(":-")

    return re.sub(r"\$\{(\w+)(:[-?][^}]*)?\}", fill, value)


def test_only_workers_and_the_command_line_get_the_token(compose: dict[str, Any]):
    assert holders(compose, "metronome_bearer_token") == {
        "worker-changes",
        "worker-checks",
        "worker-refresh",
        "manage",
    }


def test_each_queue_is_heard_by_one_worker_here_and_in_the_demo(compose: dict[str, Any]):
    heard = [
        re.search(r"--queues (\S+)", service["command"])[1]
        for service in compose["services"].values()
        if "--queues" in str(service.get("command", ""))
    ]

    assert sorted(heard) == sorted(QUEUES.values())
    assert sorted(name for names in heard for name in names.split(",")) == sorted(
        queue.name for queue in settings.CELERY_TASK_QUEUES
    )


def test_only_migrations_run_as_the_role_that_owns_the_tables(compose: dict[str, Any]):
    assert holders(compose, "database_owner_url") == {"migrate"}
    assert holders(compose, "database_url") == OURS - {"migrate", "beat"}
    assert holders(compose, "database_superuser_password") == {"postgres"}
    assert holders(compose, "smtp_url") == {"worker-refresh"}


def test_no_secret_is_written_into_the_files(compose: dict[str, Any]):
    for name, service in compose["services"].items():
        for variable in service.get("environment", {}):
            assert variable.endswith("_FILE") or not re.search(
                "PASSWORD|TOKEN|SECRET|DATABASE_URL|REDIS_URL|SMTP_URL", variable
            ), f"{name} gets {variable} in the open"
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {entry["file"].split("/")[0] for entry in compose["secrets"].values()} == {".secrets"}
    assert ".secrets/" in ignored


def test_every_long_running_service_has_a_health_check(compose: dict[str, Any]):
    without = {name for name, service in compose["services"].items() if "healthcheck" not in service}
    assert without == ONE_OFF


def test_ours_run_without_privileges_on_a_read_only_image(compose: dict[str, Any]):
    for name in OURS:
        service = compose["services"][name]
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_make_secrets_makes_just_the_secrets_that_compose_names_and_keeps_them(
    compose: dict[str, Any], secrets: Path
):
    assert {path.name for path in secrets.iterdir()} == compose["secrets"].keys()
    before = {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()}

    subprocess.run([secrets.parent / "deploy" / "make-secrets.sh"], check=True)

    assert {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()} == before
    assert all(before.values())
    assert secrets.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_process_starts_with_just_what_compose_gives_it(
    compose: dict[str, Any], secrets: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    service = compose["services"][name]
    names = our_names()
    for variable in os.environ.keys() - without_ours(os.environ).keys():
        monkeypatch.delenv(variable)
    for variable, value in service["environment"].items():
        assert is_ours(variable, names), f"{variable} is read by nobody"
        filled = substituted(value)
        if variable.endswith("_FILE"):
            assert Path(filled).name in service["secrets"], (
                f"{variable} names a secret that {name} isn't given"
            )
            filled = str(secrets / Path(filled).name)
        monkeypatch.setenv(variable, filled)

    settings = runpy.run_path(str(ROOT / "adminsite" / "settings.py"))

    assert settings["PROCESS"] == ("manage" if name in ONE_OFF else name)
    assert settings["DEBUG"] is False


def test_as_many_containers_apply_requests_as_the_setting_says(compose: dict[str, Any]):
    worker = compose["services"]["worker-changes"]
    assert worker["deploy"] == {"replicas": worker["environment"]["WORKER_CHANGES_PROCESSES"]}
    assert substituted(worker["deploy"]["replicas"]) == "1"


def stages() -> dict[str, list[str]]:
    """The lines of each stage of the Dockerfile, by its name; the last one has none."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("FROM"):
            lines = found.setdefault(line.partition(" AS ")[2], [])
        elif found:
            lines.append(line)
    return found


def copied(lines: list[str]) -> set[str]:
    return {part for line in lines if line.startswith("COPY") for part in line.split()[1:-1]}


def test_the_image_holds_the_locked_runtime_and_runs_as_an_ordinary_user():
    packages, lines = stages()["packages"], stages()[""]
    assert list(stages()) == ["packages", "simulator", ""]
    assert [line for line in lines if line.startswith("USER")] == ["USER countersign"]
    assert lines.index("USER countersign") < next(n for n, line in enumerate(lines) if line.startswith("CMD"))
    assert copied(packages) == {"requirements/runtime.txt"}
    assert copied(lines) == {
        "--from=packages",
        "/venv",
        "manage.py",
        "adminsite/",
        "billing/",
        "templates/",
        "static/",
    }
    assert "--require-hashes" in "".join(packages)
    for each in (packages, lines):
        assert not [line for line in each if re.search("ARG|SECRET_KEY|TOKEN|PASSWORD|DATABASE_URL", line)]


def test_the_simulators_image_holds_it_alone_and_runs_as_an_ordinary_user():
    lines = stages()["simulator"]
    assert [line for line in lines if line.startswith("USER")] == ["USER simulator"]
    assert copied(lines) == {"requirements/simulator.txt", "simulator/"}
    assert "--require-hashes" in "".join(lines)
    assert not [line for line in lines if re.search("ARG|SECRET_KEY|TOKEN|PASSWORD|DATABASE_URL", line)]
