"""The nouns there are: `<noun>.py` holds one, and is found by being there."""

from billing.mirror.resource import Resource
from billing.walking import found_in

RESOURCES: dict[str, Resource] = found_in(__name__, Resource)


def mirrored() -> list[Resource]:
    """Those that the mirror has a table of, in the order in which their lists are read."""
    tables = [resource for resource in RESOURCES.values() if resource.model]
    return sorted(tables, key=lambda resource: (resource.turn, resource.name))


__all__ = ["RESOURCES", "mirrored"]
