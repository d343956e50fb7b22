"""PostgreSQL and Redis as our own children: up, private, and gone with their parent."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from local.places import is_open_to_all
from local.postgres import PostgresServer
from local.redis import RedisServer

GONE_SECONDS = 30
PARENT = """
import json, sys, time
from pathlib import Path
from local.postgres import PostgresServer
from local.redis import RedisServer
folder = Path(sys.argv[1])
postgres, redis = PostgresServer(folder / "postgres", fast=True), RedisServer(folder / "redis")
postgres.start(); redis.start()
print(json.dumps({"pids": [postgres.process.pid, redis.process.pid], "home": str(postgres.home)}), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that syncs as the demo's does; the tests that stop it start it again."""
    server = PostgresServer(tmp_path_factory.mktemp("embedded") / "postgres")
    server.start()
    yield server
    server.stop()
    server.remove()


def test_postgresql_keeps_what_was_committed_between_starts(postgres: PostgresServer):
    with psycopg.connect(postgres.owner_url()) as owner:
        owner.execute("CREATE TABLE kept (word text)")
        owner.execute("INSERT INTO kept VALUES ('still here')")
    postgres.stop()

    postgres.start()

    with psycopg.connect(postgres.application_url()) as application:
        assert application.execute("SELECT word FROM kept").fetchall() == [("still here",)]


def test_postgresql_starts_again_on_the_data_of_a_server_that_was_killed(postgres: PostgresServer):
    with psycopg.connect(postgres.owner_url()) as owner:
        owner.execute("CREATE TABLE survived (word text)")
    postgres.process.kill()
    postgres.process.wait()

    postgres.start()

    with psycopg.connect(postgres.owner_url()) as owner:
        assert owner.execute("SELECT count(*) FROM survived").fetchone() == (0,)


def test_only_the_right_password_opens_postgresql(postgres: PostgresServer):
    wrong = postgres.owner_url().replace(postgres.passwords.owner, "wrong")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_passwords_can_be_read_by_their_owner_alone(postgres: PostgresServer):
    assert stat.S_IMODE((postgres.folder / "passwords.json").stat().st_mode) == 0o600
    assert postgres.passwords.owner not in (postgres.folder / "postgres.log").read_text(encoding="utf-8")


def test_neither_role_is_a_superuser_and_only_the_owner_makes_databases(postgres: PostgresServer):
    with psycopg.connect(postgres.application_url()) as application:
        roles = application.execute(
            "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles "
            "WHERE rolname LIKE 'countersign%' ORDER BY rolname"
        ).fetchall()
    assert roles == [("countersign_app", False, False, False), ("countersign_owner", False, True, False)]


def test_two_servers_stand_beside_each_other(postgres: PostgresServer, tmp_path: Path):
    other = PostgresServer(tmp_path / "other", fast=True)
    other.start()
    try:
        assert other.port != postgres.port
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(postgres.owner_url().replace(f":{postgres.port}/", f":{other.port}/"))
    finally:
        other.stop()
        other.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_as_root_the_server_is_nobody_and_foreign_folders_stay_as_they_are(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = [folder.stat().st_mode for folder in (closed, *closed.parents)]

    server = PostgresServer(closed / "postgres", fast=True)
    server.start()
    try:
        assert psutil.Process(server.process.pid).username() == "nobody"
        assert is_open_to_all(server.home)
        assert (closed / "postgres" / "elsewhere").read_text(encoding="utf-8") == str(server.home)
    finally:
        server.stop()
        server.remove()

    assert [folder.stat().st_mode for folder in (closed, *closed.parents)] == before
    assert not server.home.exists()


def test_only_the_right_password_opens_redis(tmp_path: Path):
    server = RedisServer(tmp_path)
    server.start()
    try:
        with Redis.from_url(server.url(3)) as client:
            assert client.ping() is True
        wrong = server.url().replace(server.password, "wrong")
        with Redis.from_url(wrong) as stranger, pytest.raises(AuthenticationError):
            stranger.ping()
        assert server.password not in " ".join(psutil.Process(server.process.pid).cmdline())
    finally:
        server.stop()
    assert server.process.poll() is not None


def test_both_servers_die_with_a_parent_that_is_killed(tmp_path: Path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )
    facts = json.loads(parent.stdout.readline())
    servers = [psutil.Process(pid) for pid in facts["pids"]]
    family = servers + [child for server in servers for child in server.children(recursive=True)]

    parent.kill()
    parent.wait()
    parent.stdout.close()
    _gone, alive = psutil.wait_procs(family, timeout=GONE_SECONDS)

    assert alive == []
    if facts["home"] != str(tmp_path / "postgres"):
        shutil.rmtree(facts["home"])  # what root's server keeps outside of closed folders
