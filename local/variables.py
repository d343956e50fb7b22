"""The variables that Countersign reads, as .env.example names them."""

import re
from collections.abc import Mapping
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / ".env.example"


def our_names() -> frozenset[str]:
    """Return the name of every variable of Countersign's, without the _FILE twins of the secret ones."""
    return frozenset(re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))


def is_ours(name: str, names: frozenset[str]) -> bool:
    """Say whether a variable belongs to Countersign: named there, the _FILE twin of one, or METRONOME_*."""
    return name in names or name.removesuffix("_FILE") in names or name.startswith("METRONOME_")


def without_ours(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without a single variable of Countersign's."""
    names = our_names()
    return {name: value for name, value in environment.items() if not is_ours(name, names)}
