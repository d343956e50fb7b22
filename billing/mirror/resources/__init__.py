"""The nouns there are: `<noun>.py` holds one, and is found by being there."""

from billing.mirror.resource import Resource
from billing.walking import found_in

RESOURCES: dict[str, Resource] = found_in(__name__, Resource)

__all__ = ["RESOURCES"]
