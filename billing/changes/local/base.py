"""What a local operation is: carried out in one transaction of ours. No attempt, no lease, no unknown."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar

from billing.changes.models import ChangeRequest
from billing.metronome.calls import HttpCall
from billing.metronome.operations.base import Showing

P = TypeVar("P")
HERE = "HERE"
"""Stands where a call to Metronome has its method."""


class LocalOperation(Showing[P]):
    """Something of ours that a request changes. `show` and `after` are pure; `carry_out` writes."""

    @abstractmethod
    def carry_out(self, change: ChangeRequest, params: P) -> dict[str, Any]:
        """Do it in the caller's transaction, which records it; the result.

        Raises IntegrityError where the database holds something else than was approved.
        """

    def how_found(self) -> str:
        return "Nothing is sent: it is done here and recorded in one transaction, wholly or not at all."


def here(path: str, body: dict[str, Any]) -> HttpCall:
    """What an approver sees of a local operation, in the shape of a call."""
    return HttpCall(HERE, path, body)
