"""What is changed here and not in Metronome: `<noun>.py` holds a noun of ours and the operations on it.

Both are found by being there. A local operation is shown, approved and recorded as any other.
"""

from billing.changes.local.base import LocalOperation
from billing.mirror.resource import Resource
from billing.walking import found_in

LOCAL: dict[str, LocalOperation] = found_in(__name__, LocalOperation)
LOCAL_NOUNS: dict[str, Resource] = found_in(__name__, Resource)

__all__ = ["LOCAL", "LOCAL_NOUNS", "LocalOperation"]
