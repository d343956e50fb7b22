"""The seeded account: the same options give the same world, and each option does what it says."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simulator.seed import seeded


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    assert seeded(customers=60).snapshot() == seeded(customers=60).snapshot()
    assert list(seeded(customers=60, seed=8).customers) != list(seeded(customers=60).customers)


def test_every_option_shapes_the_world() -> None:
    bare = seeded(customers=50, plans=0, contracts=0, churn=0)
    full = seeded(customers=50, plans=3, contracts=1, months=2, churn=1)

    assert (len(bare.customers), bare.plans, bare.contracts, bare.invoices) == (50, {}, {}, {})
    assert not any(customer["archived_at"] for customer in bare.customers.values())
    assert (len(full.plans), len(full.contracts)) == (3, 50)
    assert {len(invoices) for invoices in full.invoices.values()} == {1, 2}
    assert sum(bool(customer["archived_at"]) for customer in full.customers.values()) > 30


def test_the_months_of_a_contract_follow_one_another() -> None:
    world = seeded(customers=40, contracts=1, months=18, churn=0)

    for invoices in world.invoices_of.values():
        for before, after in pairwise(invoices):
            assert before["end_timestamp"] == after["start_timestamp"]
        assert [invoice["status"] for invoice in invoices[-1:]] == ["DRAFT"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"customers": -1}, "customers must be a whole number from 0 to 1000000"),
        ({"customers": True}, "customers must be a whole number from 0 to 1000000"),
        ({"months": 1.5}, "months must be a whole number from 1 to 120"),
        ({"churn": 1.01}, "churn must be a share from 0 to 1"),
        ({"contracts": "all"}, "contracts must be a share from 0 to 1"),
        ({"contracts": float("nan")}, "contracts must be a share from 0 to 1"),
    ],
)
def test_an_option_out_of_range_is_refused_with_a_sentence(options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        seeded(**options)
