"""The program behind `make manage`: one of manage.py's commands, on the demo that is up.

    python -m local.manage COMMAND [ARGUMENT ...]

DEMO_DIR (.demo): the demo's folder, as for `make demo`.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from local.configuration import ROOT, data_folder
from local.places import write_private_file
from local.processes import CannotStart
from local.supervisor import Program
from local.variables import without_ours

SETTINGS = "manage-settings.json"


def main(arguments: Sequence[str]) -> NoReturn:
    """Become manage.py with the demo's settings; end with 1 and a sentence where no demo is up."""
    try:
        settings = kept_settings(data_folder(os.environ))
    except CannotStart as problem:
        sys.exit(str(problem))
    environment = without_ours(os.environ) | settings
    program = [sys.executable, str(ROOT / "manage.py"), *(arguments or ["help"])]
    os.execve(sys.executable, program, environment)  # noqa: S606 (no shell is wanted here)


def keep_settings(folder: Path, command: Program) -> None:
    """Write down how manage.py reaches the demo's servers while it is up; only its owner can read it."""
    others = without_ours(os.environ)
    ours = {name: value for name, value in command.environment.items() if name not in others}
    write_private_file(folder / SETTINGS, json.dumps(ours))


def forget_settings(folder: Path) -> None:
    """The demo goes down: its servers answer no more."""
    (folder / SETTINGS).unlink(missing_ok=True)


def kept_settings(folder: Path) -> dict[str, str]:
    """The settings of the demo that is up. Raises CannotStart where none is."""
    try:
        return json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except OSError:
        raise CannotStart(
            f"No demo is up in {folder}. Start one with make demo, or name its folder: "
            "make manage DEMO_DIR=… ARGS=…"
        ) from None


if __name__ == "__main__":
    main(sys.argv[1:])
