"""Every writing endpoint that Countersign knows: `<noun>/<verb>.py` holds one, found by being there."""

from billing.metronome.operations.base import Operation
from billing.walking import found_in

OPERATIONS: dict[str, Operation] = found_in(__name__, Operation)


def operation(name: str) -> Operation:
    """The operation of this name. Raises KeyError with a sentence for one that does not exist."""
    try:
        return OPERATIONS[name]
    except KeyError:
        raise KeyError(f"no operation is called {name}") from None
