"""The kinds of change request there are: `<noun>/<verb>.py` holds one, and is found by being there."""

from billing.changes.asking.guard import Guarding
from billing.changes.asking.kind import Hint, Kind, ProposalForm
from billing.walking import found_in

KINDS: dict[str, Kind] = found_in(__name__, Kind)
GUARDS: dict[str, Guarding] = found_in(__name__, Guarding)

__all__ = ["GUARDS", "KINDS", "Hint", "Kind", "ProposalForm"]
