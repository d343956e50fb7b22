"""The approval policy: data in a table, judged over the facts of a proposal. Strictest wins.

A rule is `{name, kinds, when, steps, typed_confirmation?, cool_off_minutes?, may_be_batched?}`;
`kinds` may hold "*"; `when` is a list of `{fact, op, value}` that must all hold; `steps` is a list of
`{role, people}`. What may be batched may be decided together with others, where all its rules say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from billing.changes.asking.kind import Fact
from billing.changes.asking.kinds import KINDS
from billing.changes.asking.proposal import Planned
from billing.changes.local.policy import NewPolicy
from billing.changes.models import PolicyVersion
from billing.changes.refusals import BadInput
from billing.roles import Can, Role, roles_with

OPERATORS = {
    "is": lambda fact, value: fact == value,
    ">": lambda fact, value: fact > value,
    ">=": lambda fact, value: fact >= value,
}
FACTS: dict[str, Fact] = {
    "irreversible": Fact("Cannot be undone", bool),
    **{name: fact for kind in KINDS.values() for name, fact in kind.facts.items()},
}
"""What rules may ask about: the kinds say what there is."""


ABOUT_PEOPLE = frozenset(name for name, kind in KINDS.items() if kind.asked_by == Can.CHANGE_PEOPLE)
"""Kinds that change people's rights: administrators ask for them, and may be asked to agree."""


class PolicyInvalid(ValueError):
    """A policy that cannot be installed; the message says which rule and why."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the policy asks for one proposal. `rules` is `[{name, because: [text]}]`."""

    version: int
    steps: tuple[tuple[str, int], ...]
    rules: tuple[dict[str, Any], ...]
    typed_confirmation: bool
    cool_off_seconds: int
    watched: frozenset[str]


def check_rules(rules: Any) -> None:
    """Raise PolicyInvalid unless every rule is complete and asks people who may decide."""
    if not isinstance(rules, list):
        raise PolicyInvalid("a policy is a list of rules")
    deciders = [role.value for role in roles_with(Can.DECIDE)]
    of_people = [role.value for role in roles_with(Can.CHANGE_PEOPLE)]
    for number, rule in enumerate(rules, start=1):
        where = f"rule {number}"
        if not isinstance(rule, dict) or not isinstance(rule.get("name"), str) or not rule["name"].strip():
            raise PolicyInvalid(f"{where} has no name")
        where = f"rule {number} ({rule['name']})"
        if unknown := set(rule) - {
            "name",
            "kinds",
            "when",
            "steps",
            "typed_confirmation",
            "cool_off_minutes",
            "may_be_batched",
        }:
            raise PolicyInvalid(f"{where} has an unknown part: {', '.join(sorted(unknown))}")
        kinds, steps = rule.get("kinds"), rule.get("steps")
        if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
            raise PolicyInvalid(f"{where} names no kinds")
        _check_conditions(rule.get("when", []), where)
        if not isinstance(steps, list) or not steps:
            raise PolicyInvalid(f"{where} asks nobody")
        for step in steps:
            people = step.get("people") if isinstance(step, dict) else None
            if not isinstance(people, int) or isinstance(people, bool) or not 1 <= people <= 5:
                raise PolicyInvalid(f"{where}: a step asks for 1 to 5 people")
            role = step.get("role")
            others = [kind for kind in kinds if kind not in ABOUT_PEOPLE]
            if role in of_people and others and len(others) < len(kinds):
                raise PolicyInvalid(f"{where}: {role} may not decide about {others[0]}")
            if role not in deciders and (role not in of_people or others):
                raise PolicyInvalid(f"{where}: {role} may not decide")
        for name in ("typed_confirmation", "may_be_batched"):
            if not isinstance(rule.get(name, False), bool):
                raise PolicyInvalid(f"{where}: {name} is true or false")
        if rule.get("may_be_batched") and rule.get("typed_confirmation"):
            raise PolicyInvalid(f"{where}: a name can't be typed for several at once, so it is not batched")
        minutes = rule.get("cool_off_minutes", 0)
        if not isinstance(minutes, int) or isinstance(minutes, bool) or not 0 <= minutes <= 7 * 24 * 60:
            raise PolicyInvalid(f"{where}: a cool-off is 0 to 10,080 whole minutes")


def refuse_invalid(calls: Iterable[Planned]) -> None:
    """Raise BadInput where one of these would put a policy in force that is none."""
    for planned in calls:
        if isinstance(planned.params, NewPolicy):
            try:
                check_rules(json.loads(planned.params.rules))
            except PolicyInvalid as problem:
                raise BadInput(f"{str(problem)[:1].upper()}{str(problem)[1:]}.", field="rules") from problem


def _check_conditions(conditions: Any, where: str) -> None:
    if not isinstance(conditions, list) or not all(isinstance(each, dict) for each in conditions):
        raise PolicyInvalid(f"{where}: when is a list of conditions")
    for condition in conditions:
        fact, op = str(condition.get("fact")), str(condition.get("op"))
        if fact not in FACTS:
            raise PolicyInvalid(f"{where} asks about an unknown fact: {fact}")
        expected = FACTS[fact].type
        if op not in OPERATORS or (expected is bool and op != "is"):
            raise PolicyInvalid(f"{where}: {op} cannot be asked of {fact}")
        if type(condition.get("value")) is not expected:
            raise PolicyInvalid(f"{where}: the value for {fact} has the wrong type")


def asked_by(kind: str) -> Can:
    """What whoever asks for this kind has to be allowed."""
    return KINDS[kind].asked_by


def current() -> PolicyVersion:
    """The policy in force. An installation always has one (migration 0004)."""
    return PolicyVersion.objects.order_by("-version")[0]


def requirement(kind: str, facts: dict[str, Any], policy: PolicyVersion | None = None) -> Requirement:
    """Merge every matching rule to the strictest. No match asks one manager, never nobody."""
    policy = policy or current()
    people: dict[str, int] = {}
    matched: list[dict[str, Any]] = []
    watched: set[str] = set()
    typed, cool_off_minutes = False, 0
    for rule in policy.rules:
        if kind not in rule["kinds"] and "*" not in rule["kinds"]:
            continue
        conditions = rule.get("when", [])
        if not all(_holds(condition, facts) for condition in conditions):
            continue
        because = [_because(condition, facts) for condition in conditions]
        matched.append(
            {"name": rule["name"], "because": [words for words in because if words != rule["name"]]}
        )
        watched |= {FACTS[c["fact"]].watches for c in conditions} - {""}
        for step in rule["steps"]:
            people[step["role"]] = max(people.get(step["role"], 0), step["people"])
        typed = typed or bool(rule.get("typed_confirmation"))
        cool_off_minutes = max(cool_off_minutes, rule.get("cool_off_minutes", 0))
    for role, number in KINDS[kind].at_least(facts) if kind in KINDS else ():
        if people.get(role, 0) < number:
            matched.append({"name": f"Always: {number} {role} for this kind", "because": []})
            people[role] = number
    if not people:
        people = {Role.MANAGER.value: 1}
        matched = [{"name": "No rule matches: a manager decides", "because": []}]
    return Requirement(
        version=policy.version,
        steps=tuple(sorted(people.items())),
        rules=tuple(matched),
        typed_confirmation=typed,
        cool_off_seconds=cool_off_minutes * 60,
        watched=frozenset(watched),
    )


def _holds(condition: dict[str, Any], facts: dict[str, Any]) -> bool:
    fact = facts.get(condition["fact"])
    return fact is not None and OPERATORS[condition["op"]](fact, condition["value"])


def _because(condition: dict[str, Any], facts: dict[str, Any]) -> str:
    asked, fact = FACTS[condition["fact"]], facts[condition["fact"]]
    return asked.label if asked.type is bool else f"{asked.label}: {fact}, limit {condition['value']}"
