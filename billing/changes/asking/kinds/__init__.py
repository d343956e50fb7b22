"""The kinds of change request there are: `<noun>/<verb>.py` holds one, and is found by being there."""

from billing.changes.asking.kind import Hint, Kind, ProposalForm
from billing.walking import found_in

KINDS: dict[str, Kind] = found_in(__name__, Kind)

__all__ = ["KINDS", "Hint", "Kind", "ProposalForm"]
