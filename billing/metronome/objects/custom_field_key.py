"""Custom field keys: values can only be set under existing ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billing.metronome.listing import Listing
from billing.metronome.outcomes import storable
from billing.metronome.records import text_in
from billing.metronome.rows import own_id


@dataclass(frozen=True, slots=True)
class CustomFieldKeyRecord:
    """A custom field key that exists for an entity."""

    entity: str
    key: str
    enforce_uniqueness: bool

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> CustomFieldKeyRecord:
        if not isinstance(source["enforce_uniqueness"], bool):
            raise ValueError("enforce_uniqueness is not true or false")
        return cls(text_in(source, "entity"), text_in(source, "key"), source["enforce_uniqueness"])


def custom_field_keys(entities: Sequence[str]) -> Listing[CustomFieldKeyRecord]:
    """The custom field keys that exist for these entities."""
    return Listing(
        "/v1/customFields/listKeys",
        CustomFieldKeyRecord.from_json,
        body={"entities": list(entities)},
        id_of=_entity_and_key,
    )


def _entity_and_key(row: Any) -> str:
    if isinstance(row, dict) and isinstance(row.get("entity"), str) and isinstance(row.get("key"), str):
        return storable(f"{row['entity']}.{row['key']}")
    return own_id(row)
