"""Every operation that a sealed call may name: a writing endpoint of Metronome's, or one of ours."""

from __future__ import annotations

from typing import Any

from billing.changes.local import LOCAL
from billing.metronome.operations import operation as endpoint
from billing.metronome.operations.base import Showing


def operation(name: str) -> Showing[Any]:
    """The operation of this name. Raises KeyError with a sentence for one that does not exist."""
    return LOCAL[name] if name in LOCAL else endpoint(name)
