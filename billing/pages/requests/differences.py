"""What a request changes, field by field and set by set, in the shapes that its page draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from billing.changes.sealed import SealedRequest

FIELD_LABELS = {"name": "Name", "archived_at": "Status"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field before and after."""

    label: str
    before: str
    after: str
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class SetComparison:
    """A set before and after: what goes, what comes, what stays. Each sorted."""

    label: str
    removed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def comparisons(request: SealedRequest) -> tuple[list[Comparison], list[SetComparison]]:
    """What the sealed calls change, field by field; a new customer compares with nothing."""
    before, after = request.before or {}, request.after or {}
    fields = []
    for name, label in FIELD_LABELS.items():
        old, new = _shown(name, before, bool(request.before)), _shown(name, after, True)
        if old != new:
            fields.append(Comparison(label, old, new))
    old_custom, new_custom = before.get("custom_fields") or {}, after.get("custom_fields") or {}
    fields += [
        Comparison(key, old_custom.get(key, ""), new_custom.get(key, ""), is_key=True)
        for key in sorted(old_custom.keys() | new_custom.keys())
        if old_custom.get(key) != new_custom.get(key)
    ]
    old_aliases, new_aliases = set(before.get("ingest_aliases") or []), set(after.get("ingest_aliases") or [])
    sets = []
    if old_aliases != new_aliases:
        sets.append(
            SetComparison(
                "Ingest aliases",
                removed=sorted(old_aliases - new_aliases),
                added=sorted(new_aliases - old_aliases),
                kept=sorted(old_aliases & new_aliases),
            )
        )
    return fields, sets


def _shown(name: str, snapshot: dict[str, Any], exists: bool) -> str:
    if name == "archived_at":
        if not exists:
            return ""
        return "archived" if snapshot.get("archived_at") else "active"
    return str(snapshot.get(name) or "")
