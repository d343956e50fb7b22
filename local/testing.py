"""What tests and benches stand on: one PostgreSQL and one Redis a run, and an environment without surprises.

`prepare_environment` runs before Django reads its settings. The first process of a run starts the servers and
exports DATABASE_URL and REDIS_URL; parallel workers inherit them and take a Redis database each, while
pytest-django gives each a PostgreSQL database. Servers that the caller names in these two variables are used
as they are: the role must be allowed to create databases, and the Redis database is emptied before each test.
"""

import atexit
import fcntl
import os
import re
import shutil
import sys
import tempfile
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from local.places import is_open_to_all
from local.postgres import PostgresServer
from local.redis import RedisServer
from local.variables import is_ours, our_names

PREFIX = "countersign-tests-"
READY = "COUNTERSIGN_TEST_SERVERS"  # set once servers are there, for workers and child processes
APPLICATION_URL = "COUNTERSIGN_TEST_APPLICATION_URL"  # the application role of the embedded server
SECRET_KEY = "nothing-is-secret-in-a-test-but-the-key-must-be-long-enough"  # noqa: S105
KEPT = {"DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"}


def prepare_environment() -> None:
    """Make os.environ that of a test process; start the servers that nobody named."""
    clear_variables()
    os.environ.update(
        COUNTERSIGN_PROCESS="manage",
        METRONOME_ENVIRONMENT="simulator",
        SECRET_KEY=SECRET_KEY,
        SITE_URL="http://testserver",
        ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    )
    if READY not in os.environ:
        os.environ[READY] = "1"
        start_missing_servers()
    if worker := re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", "")):
        parts = urlsplit(os.environ["REDIS_URL"])
        first = int(parts.path.strip("/") or 0)
        os.environ["REDIS_URL"] = urlunsplit(parts._replace(path=f"/{first + 1 + int(worker[1])}"))
    stay_on_this_machine()


def clear_variables() -> None:
    """Forget every variable of Countersign's but the two servers, above all METRONOME_*."""
    names = our_names()
    for name in list(os.environ):
        if is_ours(name, names) and name not in KEPT:
            del os.environ[name]


def start_missing_servers() -> None:
    """Start what neither DATABASE_URL nor REDIS_URL names; it ends, and its data goes, with this process."""
    needs_postgres = not ({"DATABASE_URL", "DATABASE_URL_FILE"} & os.environ.keys())
    needs_redis = not ({"REDIS_URL", "REDIS_URL_FILE"} & os.environ.keys())
    if not (needs_postgres or needs_redis):
        return
    remove_leftovers()
    folder = _folder_of_this_run()
    owner = os.getpid()
    if needs_postgres:
        postgres = PostgresServer(folder / "postgres", fast=True)
        atexit.register(lambda: os.getpid() == owner and (postgres.stop(), postgres.remove()))
        postgres.start()
        os.environ["DATABASE_URL"] = postgres.owner_url()
        os.environ[APPLICATION_URL] = postgres.application_url()
    if needs_redis:
        redis = RedisServer(folder / "redis")
        atexit.register(lambda: os.getpid() == owner and redis.stop())
        redis.start()
        os.environ["REDIS_URL"] = redis.url()


def remove_leftovers() -> None:
    """Remove the folders of runs that were killed: nobody holds their lock any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            with (folder / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if (pointer := folder / "postgres" / "elsewhere").exists():
                    shutil.rmtree(pointer.read_text(encoding="utf-8"), ignore_errors=True)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # another's folder, a living run's, or one that is just being made or removed
            continue


def application_url(database: str) -> str | None:
    """Return the application role's URL for a database of the embedded server; None with another server."""
    if url := os.environ.get(APPLICATION_URL):
        return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
    return None


def environment_for(process: str, *, database_url: str, **more: str) -> dict[str, str]:
    """Return the whole environment for a process of ours that a test starts: live Django, this run's Redis.

    more: further variables, METRONOME_BASE_URL for one (loopback only).
    """
    inherited = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "REDIS_URL")
    environment = {name: os.environ[name] for name in inherited if name in os.environ}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "adminsite.settings",
        "COUNTERSIGN_PROCESS": process,
        "METRONOME_ENVIRONMENT": "simulator",
        "DATABASE_URL": database_url,
        "PYTHONUNBUFFERED": "1",
    }
    if process in ("web", "manage"):
        environment |= {"SECRET_KEY": SECRET_KEY, "ALLOWED_HOSTS": "127.0.0.1,localhost"}
    return environment | more


def stay_on_this_machine() -> None:
    """Refuse, from now on and for good, any socket of this process to another machine.

    Only the hosts of DATABASE_URL and REDIS_URL are left out of it: they were named on purpose.
    """
    allowed = {urlsplit(os.environ.get(name, "")).hostname for name in ("DATABASE_URL", "REDIS_URL")}

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            host = str(arguments[1][0])
            if host not in allowed and not _is_this_machine(host):
                raise RuntimeError(f"Tests talk to this machine only, not to {host}.")

    sys.addaudithook(watch)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _folder_of_this_run() -> Path:
    """Make this run's folder and hold its lock until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    if os.geteuid() == 0 and is_open_to_all(folder.parent):
        folder.chmod(0o711)  # PostgreSQL's user must pass through; see local.nobody
    lock = (folder / "lock").open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    owner = os.getpid()
    atexit.register(
        lambda: (lock.close(), os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
    )
    return folder
