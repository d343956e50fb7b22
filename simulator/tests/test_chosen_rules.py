"""Which undocumented rules the lines of a draft have used: each is named where it was, and not elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.records.chosen import RULES
from simulator.running import ROOT
from simulator.tests.story import Story, date
from simulator.world import Row

Told = Callable[[Story], None]


def override(story: Story, **more: Any) -> Row:
    return {"starting_at": date("2025-01-01"), "product_id": story.usage, **more}


def overwrite(price: float) -> Row:
    return {"overwrite_rate": {"rate_type": "FLAT", "price": price}}


def by_list(story: Story) -> None:
    story.contract("2025-01-01")


def one_override(story: Story) -> None:
    story.contract("2025-01-01", overrides=[override(story, multiplier=0.5)])


def two_multipliers(story: Story) -> None:
    both = [override(story, multiplier=0.5), override(story, multiplier=0.8)]
    story.contract("2025-01-01", overrides=both)


def an_overwrite_beside_a_multiplier(story: Story) -> None:
    both = [override(story, multiplier=0.5), override(story, **overwrite(70))]
    story.contract("2025-01-01", overrides=both)


def tiers(story: Story) -> None:
    story.rate(
        story.usage,
        rate_type="TIERED",
        tiers=[{"price": 5, "size": 3}, {"price": 4}],
        starting_at=date("2024-06-01"),
    )
    story.contract("2025-01-01")


def a_custom_rate(story: Story) -> None:
    story.rate(story.usage, rate_type="CUSTOM", custom_rate={"any": "thing"}, starting_at=date("2024-06-01"))
    story.contract("2025-01-01")


def two_equal_balances(story: Story) -> None:
    story.contract("2025-01-01")
    for _time in range(2):
        story.credit(300, "2025-01-01", "2025-03-01")


def two_balances_of_which_one_ends_first(story: Story) -> None:
    story.contract("2025-01-01")
    story.credit(300, "2025-01-01", "2025-03-01")
    story.credit(300, "2025-01-01", "2025-02-01")


def a_composite(story: Story) -> None:
    fee = story.product("COMPOSITE", name="Support", composite_product_ids=[story.usage])
    story.rate(fee, rate_type="PERCENTAGE", price=0.1)
    story.contract("2025-01-01")


@pytest.mark.parametrize(
    ("arrange", "rules"),
    [
        (by_list, set()),
        (one_override, set()),
        (two_multipliers, {"one_multiplier"}),
        (an_overwrite_beside_a_multiplier, {"newest_overwrite"}),
        (tiers, {"tiers"}),
        (a_custom_rate, {"custom_rate"}),
        (two_equal_balances, {"older_first"}),
        (two_balances_of_which_one_ends_first, set()),
        (a_composite, {"composite"}),
    ],
)
def test_a_rule_is_told_where_a_line_has_used_it(arrange: Told, rules: set[str]) -> None:
    story = Story("2025-01-10")
    arrange(story)
    story.use("2025-01-05", 5)
    (draft,) = story.invoices(type="USAGE")

    told = story.chosen()

    assert {each["rule"] for each in told} == rules
    for each in told:
        assert each["says"] == RULES[each["rule"]][0]
        assert each["invoices"] == [draft["id"]]
        assert each["lines"] > 0


def test_every_rule_that_is_told_stands_among_what_was_chosen() -> None:
    readme = " ".join((ROOT / "simulator/README.md").read_text("utf-8").split())
    chosen = readme[readme.index("## Simulator-chosen") :]

    assert [says for says, _test in RULES.values() if says not in chosen] == []
