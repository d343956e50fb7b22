"""What a request changes, thing by thing and field by field, in the shapes that its page draws."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from billing.changes.nouns import noun_of
from billing.changes.oddities import drawn
from billing.changes.sealed import SealedRequest
from billing.mirror.resource import NEW, Field


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field before and after; of several rows, that with the id `of`. What can't be seen is spelled."""

    label: str
    before: str
    after: str
    of: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", drawn(self.before))
        object.__setattr__(self, "after", drawn(self.after))


@dataclass(frozen=True, slots=True)
class SetComparison:
    """A set before and after: what goes, what comes, what stays. Each sorted."""

    label: str
    removed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes of one thing. `title` says which, where a request changes several."""

    title: str
    fields: list[Comparison]
    sets: list[SetComparison]


def differences(request: SealedRequest) -> list[Difference]:
    """What the sealed calls change, in their order; a new thing compares with nothing."""
    changed = list(
        dict.fromkeys(
            of for call in request.calls for of, left in call.after.items() if left != call.before.get(of)
        )
    )
    return [
        _difference(of, request.before.get(of), request.after[of], is_alone=len(changed) == 1)
        for of in changed
    ]


def _difference(
    of: str, before: dict[str, Any] | None, after: dict[str, Any], *, is_alone: bool
) -> Difference:
    resource = noun_of(of)
    called = resource.called(before or after)
    title = "" if is_alone else (called if before else f"{called}, new")
    fields: list[Comparison] = []
    sets: list[SetComparison] = []
    for each in resource.fields:
        if each.name not in after:
            continue
        old, new = (before or {}).get(each.name), after[each.name]
        if each.look == "set":
            sets += _sets(each, set(old or ()), set(new or ()))
        elif each.look == "mapping":
            fields += _keys(old or {}, new or {})
        elif each.look == "rows":
            fields += _rows(each, old or {}, new or {})
        elif each.look == "json" and isinstance(old, list) and isinstance(new, list):
            sets += _sets(each, _texts(old), _texts(new))
        elif (shown := each.shown(old) if before else "") != each.shown(new):
            fields.append(Comparison(_title(each), shown, each.shown(new)))
    return Difference(title, fields, sets)


def _texts(items: list[Any]) -> set[str]:
    return {json.dumps(item, ensure_ascii=False) for item in items}


def _sets(each: Field, old: set[str], new: set[str]) -> list[SetComparison]:
    if old == new:
        return []
    return [SetComparison(_title(each), sorted(old - new), sorted(new - old), sorted(old & new))]


def _keys(old: dict[str, str], new: dict[str, str]) -> list[Comparison]:
    return [
        Comparison(key, old.get(key, ""), new.get(key, ""))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _rows(each: Field, old: dict[str, str], new: dict[str, str]) -> list[Comparison]:
    """Those that differ; one that a call adds has no id yet."""
    return [
        Comparison(
            f"{_title(each)}, one more" if of.startswith(NEW) else _title(each),
            old.get(of, ""),
            new.get(of, ""),
            of="" if of.startswith(NEW) else of,
        )
        for of in sorted(old.keys() | new.keys())
        if old.get(of) != new.get(of)
    ]


def _title(each: Field) -> str:
    return each.label[:1].upper() + each.label[1:]
