"""Who runs a command: the machine's user, since nobody is signed in there."""

from __future__ import annotations

import getpass


def machine_user() -> str:
    """The name of the machine's user, or `unnamed`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unnamed"
