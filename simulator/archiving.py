"""What all archiving has in common: it is final, and lists leave what is archived out."""

from __future__ import annotations

from collections.abc import Callable

from simulator.http import ApiError
from simulator.world import Row, World


def kept_by(archive_filter: str) -> Callable[[Row], bool]:
    """Whether a row with `archived_at` passes ARCHIVED, NOT_ARCHIVED or ALL."""
    return lambda row: archive_filter == "ALL" or bool(row["archived_at"]) == (archive_filter == "ARCHIVED")


def archived_already(world: World, row: Row, what: str, status: int = 400) -> bool:
    """Whether there is nothing left to do. Raises ApiError where switch `second_archive` refuses."""
    if not row.get("archived_at"):
        return False
    if world.switches["second_archive"] == "refuse":
        raise ApiError(status, f"{what} is already archived", executed=True)
    return True
