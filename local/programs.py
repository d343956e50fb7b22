"""What the demo is made of: its programs, the environment of each, and the order they come up in."""

import signal
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from local.configuration import ROOT, Configuration, Metronome
from local.postgres import PostgresServer
from local.processes import CannotStart, last_lines
from local.redis import RedisServer
from local.supervisor import Program, Supervisor

PEOPLE = ("finance", "finance2", "manager", "manager2", "auditor", "admin", "admin2")
PASSWORD = "countersign-demo"  # noqa: S105 (printed on purpose; the demo listens on this machine only)
WEB_PROCESSES, WEB_THREADS, WORKER_THREADS = 2, 4, 4
# As in the Dockerfile: HTTP/1 alone, since of HTTP/2 no time for headers is held.
HTTP = ("--interface", "asginl", "--http", "1", "--http1-header-read-timeout", "10000", "--no-ws")
APPLICATION = "adminsite.asgi:application"
QUEUES = {
    "changes": "changes,sweeps",
    "checks": "checks,doubts",
    "refresh": "refresh,notices",
}  # worker -> what it hears
SIMULATOR_SECONDS, READY_SECONDS = 60.0, 120.0


class Servers:
    """PostgreSQL and Redis: our own, or those that DATABASE_URL and REDIS_URL name."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.postgres = (
            None if configuration.database_url else PostgresServer(configuration.folder / "postgres")
        )
        self.redis = None if configuration.redis_url else RedisServer(configuration.folder / "redis")

    def start(self) -> None:
        for server in (self.postgres, self.redis):
            if server is not None:
                server.start()
        if self.postgres is not None and self.configuration.metronome.is_ours:
            self._forget_older_data(self.postgres)

    def _forget_older_data(self, postgres: PostgresServer) -> None:
        """The demo of a version before the release: its requests can't be carried on, so it begins anew."""
        if postgres.holds_older_requests():
            print("The demo's data was made by an earlier version; it is made anew.", flush=True)
            postgres.stop()
            postgres.remove()
            postgres.start()

    def stop(self) -> None:
        for server in (self.redis, self.postgres):
            if server is not None:
                server.stop()

    def places(self) -> str:
        """Say where the data lies: as root PostgreSQL's may have to lie elsewhere (see local.nobody)."""
        folder = self.configuration.folder
        if self.postgres is None or self.postgres.home == self.postgres.folder:
            return str(folder)
        return f"{folder} and {self.postgres.home}"

    def check(self) -> None:
        """Raise CannotStart when one of our own has died: nothing goes on without them."""
        for name, server in (("PostgreSQL", self.postgres), ("Redis", self.redis)):
            if server is not None and server.process is not None and server.process.poll() is not None:
                raise CannotStart(f"{name} died. The end of {server.log}:\n{last_lines(server.log)}")

    def database_url(self, *, owner: bool = False) -> str:
        """Return the URL for the application's role, or for the owner's, who migrates."""
        if self.postgres is None:
            return self.configuration.database_url
        return self.postgres.owner_url() if owner else self.postgres.application_url()

    def redis_url(self) -> str:
        return self.configuration.redis_url if self.redis is None else self.redis.url()


class Programs:
    """Makes the programs of one demo; its servers must have started."""

    def __init__(self, configuration: Configuration, servers: Servers) -> None:
        self.configuration, self.servers = configuration, servers

    def simulator(self) -> Program:
        port = urlsplit(self.configuration.metronome.base_url).port
        state = self.configuration.folder / "simulator.json"
        token = self.configuration.metronome.bearer_token
        command = _python(
            "simulator", "--port", str(port), "--state", str(state), "--token", token, "--no-hostile"
        )
        return Program("simulator", command, self.configuration.inherited)

    def command(self, name: str, *arguments: str, owner: bool = False, role: str = "manage") -> Program:
        """One run of manage.py; owner: as the database role that migrates."""
        environment = self._environment(role, owner=owner, with_token=role == "manage")
        return Program(name, (sys.executable, str(ROOT / "manage.py"), name, *arguments), environment)

    def web(self) -> Program:
        options = f"--host 127.0.0.1 --port {self.configuration.port} --workers {WEB_PROCESSES}"
        command = _python("granian", *HTTP, *options.split(), "--workers-kill-timeout", "5", APPLICATION)
        environment = self._environment("web") | {"WEB_THREADS": str(WEB_THREADS)}
        return Program("web", command, environment, may_restart=True)

    def worker(self, name: str, number: int = 1) -> Program:
        """number: which one of several that hear the same queues."""
        suffix = "" if number == 1 else f"-{number}"
        options = f"--pool threads --concurrency {WORKER_THREADS} --queues {QUEUES[name]}"
        options += f" --hostname {name}{suffix}@%h --loglevel INFO --without-gossip --without-mingle"
        return self._celery(f"worker-{name}", "worker", *options.split(), suffix=suffix)

    def workers(self) -> tuple[Program, ...]:
        processes = dict.fromkeys(QUEUES, 1) | {"changes": self.configuration.changes_workers}
        return tuple(
            self.worker(name, number + 1) for name, many in processes.items() for number in range(many)
        )

    def beat(self) -> Program:
        schedule = str(self.configuration.folder / "beat-schedule")
        return self._celery("beat", "beat", "--loglevel", "INFO", "--pidfile=", "--schedule", schedule)

    def seed(self) -> Program:
        """Fill the demo, as the owner: the record lets nobody else tell the past with the times it had.

        Nobody shares our simulator's budget, so it needn't be kept to.
        """
        program = self.command("seed_demo", owner=True)
        return replace(program, environment=program.environment | {"METRONOME_REQUESTS_PER_SECOND": "1000"})

    def first_refresh(self) -> Program:
        """Ask the worker to fill the mirror now; beat would ask in ten minutes only."""
        command = _python("celery", "-A", "adminsite", "call", "billing.tasks.refresh_mirror")
        return Program("first-refresh", command, self._environment("manage"))

    def heartbeat_file(self, name: str) -> Path:
        """Return the file that a worker or beat touches while it turns."""
        return self.configuration.folder / f"heartbeat-{name}"

    def _celery(self, role: str, *arguments: str, suffix: str = "") -> Program:
        """A celery process. When the supervisor dies it is killed: PostgreSQL and Redis are gone then, and a
        worker is made to be killed at any moment, while an orderly end would wait for them."""
        name, environment = f"{role}{suffix}", self._environment(role, with_token=role != "beat")
        environment["HEARTBEAT_FILE"] = str(self.heartbeat_file(name))
        command = _python("celery", "-A", "adminsite", *arguments)
        return Program(name, command, environment, may_restart=True, death_signal=signal.SIGKILL)

    def _environment(self, role: str, *, owner: bool = False, with_token: bool = False) -> dict[str, str]:
        configuration = self.configuration
        environment = configuration.inherited | {
            "COUNTERSIGN_PROCESS": role,
            "METRONOME_ENVIRONMENT": configuration.metronome.environment,
            "DATABASE_URL": self.servers.database_url(owner=owner),
            "REDIS_URL": self.servers.redis_url(),
            "SECRET_KEY": configuration.secret_key,
            "SITE_URL": configuration.url,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "STATIC_ROOT": str(configuration.folder / "static"),
        }
        if with_token:
            environment["METRONOME_BASE_URL"] = configuration.metronome.base_url
            environment["METRONOME_BEARER_TOKEN"] = configuration.metronome.bearer_token
        return environment


def steps(
    configuration: Configuration, servers: Servers, supervisor: Supervisor
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Give each step of coming up: what to say, and what to do."""
    programs = Programs(configuration, servers)
    yield "PostgreSQL and Redis", servers.start
    if configuration.metronome.is_ours:
        yield "the simulator of Metronome", lambda: _start_simulator(programs, supervisor)
    yield "migrations", lambda: supervisor.run(programs.command("migrate", "--no-input", owner=True))
    yield (
        "static files",
        lambda: supervisor.run(programs.command("collectstatic", "--no-input", role="build")),
    )
    if configuration.metronome.is_ours:
        yield "demo data", lambda: supervisor.run(programs.seed())
    else:
        yield "demo people", lambda: supervisor.run(programs.command("seed_demo", "--people-only"))
    yield "dashboard and workers", lambda: _start_ours(programs, supervisor)
    if not configuration.metronome.is_ours:
        yield "asking for a first refresh", lambda: supervisor.run(programs.first_refresh())


def welcome_words(metronome: Metronome) -> str:
    """Say who can sign in, how, and where one plays the other side of a simulated Metronome."""
    words = f"  Sign in as  {' · '.join(PEOPLE)}\n  Password    {PASSWORD}"
    return (
        f"{words}\n  Metronome   {metronome.base_url}/_sim/ plays the other side"
        if metronome.is_ours
        else words
    )


def _start_simulator(programs: Programs, supervisor: Supervisor) -> None:
    address = urlsplit(programs.configuration.metronome.base_url)
    supervisor.start(programs.simulator())
    try:
        supervisor.wait_until(
            lambda: _answers(str(address.hostname), int(address.port or 0)),
            seconds=SIMULATOR_SECONDS,
            sentence=f"The simulator doesn't answer; see {supervisor.log_of('simulator')}.",
        )
    except CannotStart as problem:
        hint = "If its data is of another version: make clean forgets it."
        raise CannotStart(f"{problem}\n{hint}") from None


def _start_ours(programs: Programs, supervisor: Supervisor) -> None:
    celery = (*programs.workers(), programs.beat())
    heartbeats = [programs.heartbeat_file(program.name) for program in celery]
    for heartbeat in heartbeats:
        heartbeat.unlink(missing_ok=True)
    for program in (programs.web(), *celery):
        supervisor.start(program)
    supervisor.wait_until(
        lambda: is_ready(f"{programs.configuration.url}readyz") and all(map(Path.exists, heartbeats)),
        seconds=READY_SECONDS,
        sentence=f"Dashboard and workers aren't up after {READY_SECONDS:.0f} s; see {supervisor.logs}.",
    )


def is_ready(url: str) -> bool:
    """Say whether the address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (our own address)
            return bool(answer.status == 200)
    except OSError:
        return False


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)
