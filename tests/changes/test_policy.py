"""The policy: every matching rule counts, the strictest wins, and no rule of nonsense is installed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.changes.asking.policy import FACTS, PolicyInvalid, Requirement, check_rules, requirement
from billing.changes.models import PolicyVersion
from tests.world import DEFAULT_RULES

KINDS = ["customer.rename", "customer.archive"]
CONDITIONS = st.one_of(
    st.builds(
        lambda fact, op, value: {"fact": fact, "op": op, "value": value},
        st.sampled_from(["aliases_removed", "open_contracts"]),
        st.sampled_from(["is", ">", ">="]),
        st.integers(0, 3),
    ),
    st.builds(lambda value: {"fact": "irreversible", "op": "is", "value": value}, st.booleans()),
)
RULES = st.builds(
    lambda kinds, when, people, typed, minutes: {
        "name": "A rule",
        "kinds": kinds,
        "when": when,
        "steps": [{"role": "manager", "people": people}],
        "typed_confirmation": typed,
        "cool_off_minutes": minutes,
    },
    st.lists(st.sampled_from([*KINDS, "*"]), min_size=1, max_size=2),
    st.lists(CONDITIONS, max_size=2),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 60),
)
GIVEN = st.fixed_dictionaries(
    {"irreversible": st.booleans()},
    optional={"aliases_removed": st.integers(0, 4), "open_contracts": st.integers(0, 4)},
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def asked(rules: list[dict[str, Any]], facts: dict[str, Any], kind: str = "customer.rename") -> Requirement:
    return requirement(kind, facts, PolicyVersion(version=7, rules=rules))


def rule(**parts: Any) -> dict[str, Any]:
    """A whole rule that matches everything and asks one manager, but for these parts."""
    return {
        "name": "Plain",
        "kinds": ["*"],
        "when": [],
        "steps": [{"role": "manager", "people": 1}],
        **parts,
    }


def is_as_strict(one: Requirement, other: Requirement) -> bool:
    people = dict(one.steps)
    return (
        all(people.get(role, 0) >= number for role, number in other.steps)
        and one.typed_confirmation >= other.typed_confirmation
        and one.cool_off_seconds >= other.cool_off_seconds
        and one.watched >= other.watched
    )


def test_no_rule_that_matches_asks_one_manager_and_says_so() -> None:
    for rules in ([], [rule(kinds=["customer.archive"])], [rule(when=[said("aliases_removed", ">", 0)])]):
        needed = asked(rules, {"aliases_removed": 0, "irreversible": False})

        assert needed.steps == (("manager", 1),)
        assert needed.rules == ({"name": "No rule matches: a manager decides", "because": []},)
        assert (needed.typed_confirmation, needed.cool_off_seconds, needed.watched) == (False, 0, frozenset())
        assert needed.version == 7


def said(fact: str, op: str, value: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, "value": value}


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))], ids=str)
def test_all_that_match_are_merged_to_the_strictest_whatever_their_order(order: tuple[int, ...]) -> None:
    rules = [
        rule(name="One", cool_off_minutes=30),
        rule(name="Two", steps=[{"role": "manager", "people": 3}], cool_off_minutes=5),
        rule(name="Three", steps=[{"role": "manager", "people": 2}], typed_confirmation=True),
    ]

    needed = asked([rules[place] for place in order], {})

    assert needed.steps == (("manager", 3),)
    assert needed.typed_confirmation
    assert needed.cool_off_seconds == 1_800
    assert [each["name"] for each in needed.rules] == [rules[place]["name"] for place in order]


def test_one_rule_may_ask_a_role_twice_and_the_larger_number_counts() -> None:
    steps = [{"role": "manager", "people": 2}, {"role": "manager", "people": 1}]

    assert asked([rule(steps=steps)], {}).steps == (("manager", 2),)


@pytest.mark.parametrize(
    ("op", "value", "facts", "matches"),
    [
        (">", 0, {"aliases_removed": 0}, False),
        (">", 0, {"aliases_removed": 1}, True),
        (">=", 1, {"aliases_removed": 0}, False),
        (">=", 1, {"aliases_removed": 1}, True),
        ("is", 2, {"aliases_removed": 1}, False),
        ("is", 2, {"aliases_removed": 2}, True),
        (">=", 0, {}, False),
        ("is", 0, {"aliases_removed": None}, False),
    ],
)
def test_a_condition_holds_only_of_a_fact_that_is_known(
    op: str, value: int, facts: dict[str, Any], matches: bool
) -> None:
    rules = [rule(name="Met", when=[said("aliases_removed", op, value)])]

    assert (asked(rules, facts).rules[0]["name"] == "Met") == matches


def test_all_conditions_of_a_rule_must_hold_and_each_says_why() -> None:
    when = [said("irreversible", "is", True), said("open_contracts", ">=", 2)]
    rules = [rule(name="Large", when=when)]

    needed = asked(rules, {"irreversible": True, "open_contracts": 3}, "customer.archive")

    assert needed.rules == ({"name": "Large", "because": ["Cannot be undone", "Open contracts: 3, limit 2"]},)
    assert needed.watched == {FACTS["open_contracts"].watches}
    assert asked(rules, {"irreversible": True, "open_contracts": 1}).rules[0]["name"].startswith("No rule")


def test_a_reason_that_is_the_name_of_its_rule_is_not_said_twice() -> None:
    rules = [rule(name="Cannot be undone", when=[said("irreversible", "is", True)])]

    assert asked(rules, {"irreversible": True}).rules == ({"name": "Cannot be undone", "because": []},)


@given(st.lists(RULES, max_size=4), RULES, GIVEN, st.sampled_from(KINDS))
def test_one_more_rule_never_asks_for_less(
    rules: list[dict[str, Any]], more: dict[str, Any], facts: dict[str, Any], kind: str
) -> None:
    assert is_as_strict(asked([*rules, more], facts, kind), asked(rules, facts, kind))


@given(st.lists(RULES, min_size=1, max_size=4), GIVEN, st.sampled_from(KINDS))
def test_a_policy_asks_as_much_as_each_of_its_rules_alone_and_no_more(
    rules: list[dict[str, Any]], facts: dict[str, Any], kind: str
) -> None:
    check_rules(rules)
    whole, alone = asked(rules, facts, kind), [asked([each], facts, kind) for each in rules]

    assert all(is_as_strict(whole, each) for each in alone)
    assert whole.steps[0][1] == max(each.steps[0][1] for each in alone)
    assert whole.typed_confirmation == any(each.typed_confirmation for each in alone)
    assert whole.cool_off_seconds == max(each.cool_off_seconds for each in alone)
    assert asked(rules[::-1], facts, kind).steps == whole.steps


def test_the_policy_that_is_installed_makes_sense() -> None:
    check_rules(DEFAULT_RULES)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({}, "a policy is a list of rules"),
        (["x"], "rule 1 has no name"),
        ([rule(), rule(name=" ")], "rule 2 has no name"),
        ([rule(name=None)], "rule 1 has no name"),
        ([rule(people=2)], "rule 1 (Plain) has an unknown part: people"),
        ([rule(kinds=[])], "rule 1 (Plain) names no kinds"),
        ([rule(kinds="*")], "rule 1 (Plain) names no kinds"),
        ([rule(kinds=["*", 1])], "rule 1 (Plain) names no kinds"),
        ([rule(kinds=7)], "rule 1 (Plain) names no kinds"),
        ([rule(when={"fact": "irreversible"})], "rule 1 (Plain): when is a list of conditions"),
        ([rule(when=["irreversible"])], "rule 1 (Plain): when is a list of conditions"),
        ([rule(when=[said("mood", "is", 1)])], "rule 1 (Plain) asks about an unknown fact: mood"),
        ([rule(when=[said([], "is", 1)])], "rule 1 (Plain) asks about an unknown fact: []"),
        ([rule(when=[said("irreversible", ">", True)])], "rule 1 (Plain): > cannot be asked of irreversible"),
        (
            [rule(when=[said("open_contracts", "<", 1)])],
            "rule 1 (Plain): < cannot be asked of open_contracts",
        ),
        (
            [rule(when=[said("open_contracts", ">", True)])],
            "rule 1 (Plain): the value for open_contracts has the wrong type",
        ),
        (
            [rule(when=[said("open_contracts", ">", 1.5)])],
            "rule 1 (Plain): the value for open_contracts has the wrong type",
        ),
        (
            [rule(when=[said("irreversible", "is", 1)])],
            "rule 1 (Plain): the value for irreversible has the wrong type",
        ),
        ([rule(steps=[])], "rule 1 (Plain) asks nobody"),
        ([rule(steps={"role": "manager"})], "rule 1 (Plain) asks nobody"),
        ([rule(steps=["manager"])], "rule 1 (Plain): a step asks for 1 to 5 people"),
        *(
            (
                [rule(steps=[{"role": "manager", "people": people}])],
                "rule 1 (Plain): a step asks for 1 to 5 people",
            )
            for people in (0, 6, -1, True, "1", 1.0, None)
        ),
        *(
            ([rule(steps=[{"role": role, "people": 1}])], f"rule 1 (Plain): {role} may not decide")
            for role in ("finance", "auditor", "administrator", "nobody", None, [])
        ),
        ([rule(typed_confirmation="no")], "rule 1 (Plain): typed_confirmation is true or false"),
        ([rule(may_be_batched=1)], "rule 1 (Plain): may_be_batched is true or false"),
        (
            [rule(may_be_batched=True, typed_confirmation=True)],
            "rule 1 (Plain): a name can't be typed for several at once, so it is not batched",
        ),
        *(
            ([rule(cool_off_minutes=minutes)], "rule 1 (Plain): a cool-off is 0 to 10,080 whole minutes")
            for minutes in (-1, 10_081, True, "5", 0.5)
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_words(rules: Any, sentence: str) -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        check_rules(rules)

    assert str(refusal.value) == sentence


@given(JSON, st.sampled_from(["name", "kinds", "when", "steps", "typed_confirmation", "cool_off_minutes"]))
def test_whatever_stands_in_a_rule_it_is_taken_or_refused_in_words(value: Any, part: str) -> None:
    """What is taken can be asked, too."""
    rules = [rule(**{part: value})]
    try:
        check_rules(rules)
    except PolicyInvalid:
        return

    assert asked(rules, {"irreversible": True}).steps
