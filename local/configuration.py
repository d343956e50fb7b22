"""What the caller of `make demo` asks for, read from the environment before anything starts."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.places import free_port, is_port_taken, make_own_folder, write_private_file
from local.processes import CannotStart
from local.variables import without_ours

ROOT = Path(__file__).resolve().parent.parent
PORT = 8000
SIMULATOR_TOKEN = "simulator-token"  # noqa: S105 (opens a simulator on this machine, and nothing else)
TUNABLE = (
    "DATABASE_POOL_SIZE",
    "LEASE_MARGIN_SECONDS",
    "LEASE_SECONDS",
    "LOG_LEVEL",
    "METRONOME_REQUESTS_PER_SECOND",
    "SECOND_LOOK_SECONDS",
    "SESSION_HOURS",
    "SETTLE_SECONDS",
    "WORKER_CHANGES_PROCESSES",
    "WRITE_DEADLINE_SECONDS",
)
MOST_WORKERS = 32


@dataclass(frozen=True, slots=True)
class Metronome:
    """Where the workers write to. is_ours: a simulator that the demo starts itself."""

    environment: str
    base_url: str
    bearer_token: str = field(repr=False)
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Configuration:
    """port: of the dashboard. folder: data, secrets, logs. inherited: what every child gets, nothing of ours
    in it but the numbers that may be tuned. changes_workers: processes that apply approved requests.
    database_url and redis_url: "" means servers of our own."""

    port: int
    folder: Path
    metronome: Metronome
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    inherited: dict[str, str] = field(repr=False)
    changes_workers: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return DEMO_DIR, made if need be.

    Without it: .demo, or .demo-sandbox and the like for a real Metronome, because a database belongs to one
    account for good.
    """
    kind = environment.get("METRONOME_ENVIRONMENT", "").strip()
    default = f".demo-{kind}" if environment.get("METRONOME_BASE_URL", "").strip() and kind else ".demo"
    folder = Path(environment.get("DEMO_DIR", "").strip() or default)
    folder = folder if folder.is_absolute() else ROOT / folder
    try:
        make_own_folder(folder)
    except OSError as problem:
        raise CannotStart(f"DEMO_DIR can't be used: {problem}.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotStart(f"DEMO_DIR can't be used: {folder} isn't ours to write in.")
    return folder.resolve()


def read_configuration(environment: Mapping[str, str], folder: Path) -> Configuration:
    """Read the rest; raises CannotStart with a sentence that names the variable. The folder must be locked:
    secrets are made in it the first time."""
    logs = folder / "logs"
    make_own_folder(logs).chmod(0o700)  # as root too: PostgreSQL's user has no business there
    inherited = without_ours(environment)
    inherited |= {name: environment[name] for name in TUNABLE if environment.get(name)}
    inherited |= {"PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "adminsite.settings"}
    return Configuration(
        port=_read_port(environment),
        folder=folder,
        metronome=_read_metronome(environment, folder),
        database_url=_text_or_file(environment, "DATABASE_URL"),
        redis_url=_text_or_file(environment, "REDIS_URL"),
        secret_key=kept_secret(folder, "secret_key"),
        inherited=inherited,
        changes_workers=_read_workers(environment),
    )


def kept_secret(folder: Path, name: str) -> str:
    """Return a random text that stays the same between starts, kept in a file that only we can read."""
    path = folder / name
    if not path.exists():
        write_private_file(path, secrets.token_urlsafe(64))
    return path.read_text(encoding="utf-8").strip()


def kept_port(folder: Path) -> int:
    """Return a free port for the simulator, the one it had last time if nobody took it."""
    path = folder / "simulator_port"
    if path.exists() and not is_port_taken(port := int(path.read_text(encoding="utf-8"))):
        return port
    port = free_port()
    path.write_text(f"{port}\n", encoding="utf-8")
    return port


def _read_workers(environment: Mapping[str, str]) -> int:
    text = environment.get("WORKER_CHANGES_PROCESSES", "").strip() or "1"
    if not (text.isdecimal() and 1 <= int(text) <= MOST_WORKERS):
        raise CannotStart(
            f"WORKER_CHANGES_PROCESSES must be a number between 1 and {MOST_WORKERS}, not {text!r}."
        )
    return int(text)


def _read_port(environment: Mapping[str, str]) -> int:
    text = environment.get("PORT", "").strip() or str(PORT)
    if not (text.isdecimal() and 1 <= int(text) <= 65_535):
        raise CannotStart(f"PORT must be a number between 1 and 65535, not {text!r}.")
    return int(text)


def _read_metronome(environment: Mapping[str, str], folder: Path) -> Metronome:
    base_url = environment.get("METRONOME_BASE_URL", "").strip()
    if not base_url:
        address = f"http://127.0.0.1:{kept_port(folder)}"
        return Metronome("simulator", address, SIMULATOR_TOKEN, is_ours=True)
    token = _text_or_file(environment, "METRONOME_BEARER_TOKEN")
    kind = environment.get("METRONOME_ENVIRONMENT", "").strip()
    for name, value in (("METRONOME_BEARER_TOKEN", token), ("METRONOME_ENVIRONMENT", kind)):
        if not value:
            raise CannotStart(f"METRONOME_BASE_URL is set, so {name} must be too (see .env.example).")
    if kind == "production":
        raise CannotStart(
            "The demo's people share a password that everybody knows, so it doesn't touch production. "
            "docker-compose.yml runs Countersign for production."
        )
    return Metronome(kind, base_url, token, is_ours=False)


def _text_or_file(environment: Mapping[str, str], name: str) -> str:
    if file_name := environment.get(f"{name}_FILE", "").strip():
        try:
            return Path(file_name).read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise CannotStart(f"{name}_FILE can't be read: {problem}.") from None
    return environment.get(name, "").strip()
