"""Contracts that follow others: renewals, what they roll over and bill, and children."""

from __future__ import annotations

import pytest

from simulator.tests.contracting import APR, JAN, JUL, JUN, NEXT, create, day, read


def test_a_renewal_ends_the_old_contract_and_rolls_its_commit_over(sdk, simulator, market):
    access = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}
    commit = {"product_id": market.fee, "type": "PREPAID", "access_schedule": access}
    old = create(sdk, market, commits=[commit | {"rollover_fraction": 0.25, "priority": 3}])
    new = create(sdk, market, starting_at=JUL, transition={"type": "RENEWAL", "from_contract_id": old})

    assert day(read(sdk, market, old).ending_before) == "2026-07-01"
    assert read(sdk, market, old).transitions == read(sdk, market, new).transitions
    assert read(sdk, market, new).commits == []
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    (rolled,) = read(sdk, market, new, include_balance=True).commits
    (left,) = read(sdk, market, old, include_balance=True, include_ledgers=True).commits
    assert (rolled.balance, rolled.priority, rolled.rolled_over_from.commit_id) == (25, 3, left.id)
    assert left.balance == 0
    assert [(each.type, each.amount) for each in left.ledger[1:]] == [
        ("PREPAID_COMMIT_ROLLOVER", -25),
        ("PREPAID_COMMIT_EXPIRATION", -75),
    ]


@pytest.mark.parametrize(("begins", "used", "spent"), [(JUL, "2026-06-14", 30), (JUN, "2026-05-20", 20)])
def test_a_renewal_rolls_over_what_the_last_invoice_leaves(sdk, simulator, market, begins, used, spent):
    access = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}
    commit = {"product_id": market.fee, "type": "PREPAID", "access_schedule": access, "priority": 1}

    def use(number, at):
        event = {"transaction_id": number, "customer_id": "acme", "event_type": "call", "timestamp": at}
        sdk.v1.usage.ingest(usage=[event])

    use("1", f"{used}T00:00:00Z")
    use("2", f"{used}T00:00:00Z")
    old = create(sdk, market, starting_at=APR, commits=[commit | {"rollover_fraction": 0.5}])
    new = create(sdk, market, starting_at=begins, transition={"type": "RENEWAL", "from_contract_id": old})
    simulator.control("POST", "clock", {"at": "2026-06-30T23:00:00Z", "frozen": True})
    use("3", "2026-06-30T22:00:00Z")

    simulator.control("POST", "clock", {"at": "2026-07-01T12:00:00Z", "frozen": True})
    (rolled,) = read(sdk, market, new).commits
    simulator.control("POST", "clock", {"at": "2026-07-03T00:00:00Z", "frozen": True})
    (left,) = read(sdk, market, old, include_balance=True, include_ledgers=True).commits

    (given,) = rolled.access_schedule.schedule_items
    assert (given.amount, left.balance) == (50, 0)
    assert left.ledger[-1].amount == -(100 - spent - 50)


@pytest.mark.parametrize(("fraction", "rolled"), [(0.5, 10), (0.1, 10), (0.05, 5), (1, 10)])
def test_the_fraction_that_rolls_over_is_one_of_the_original_amount(sdk, simulator, market, fraction, rolled):
    """10 of 100 are left."""
    access = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}
    commit = {"product_id": market.fee, "type": "PREPAID", "access_schedule": access, "priority": 1}
    old = create(sdk, market, starting_at=APR, commits=[commit | {"rollover_fraction": fraction}])
    events = [
        {
            "transaction_id": str(n),
            "customer_id": "acme",
            "event_type": "call",
            "timestamp": "2026-06-14T00:00:00Z",
        }
        for n in range(9)
    ]
    sdk.v1.usage.ingest(usage=events)
    new = create(sdk, market, starting_at=JUL, transition={"type": "RENEWAL", "from_contract_id": old})

    simulator.control("POST", "clock", {"at": "2026-07-03T00:00:00Z", "frozen": True})

    (commit,) = read(sdk, market, new, include_balance=True).commits
    assert commit.balance == rolled


@pytest.mark.parametrize(
    ("behavior", "billed"), [({}, [100]), ({"trueup": "AS_IS"}, [100]), ({"trueup": "REMOVE"}, [])]
)
def test_a_renewal_bills_future_true_ups_or_removes_them(sdk, simulator, market, behavior, billed):
    owed = {"schedule_items": [{"amount": 100, "timestamp": "2026-10-01T00:00:00Z"}]}
    access = {
        "schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": "2026-10-01T00:00:00Z"}]
    }
    promise = {
        "product_id": market.fee,
        "type": "POSTPAID",
        "access_schedule": access,
        "invoice_schedule": owed,
    }
    old = create(sdk, market, starting_at=APR, commits=[promise])
    transition = {"type": "RENEWAL", "from_contract_id": old, "future_invoice_behavior": behavior}
    create(sdk, market, starting_at=JUL, transition=transition)

    simulator.control("POST", "clock", {"at": "2026-10-03T00:00:00Z", "frozen": True})

    rows = sdk.v1.customers.invoices.list(customer_id=market.customer, contract_id=old, type="SCHEDULED")
    assert [row.total for row in rows] == billed


def test_a_child_contract_is_known_to_its_parent(sdk, market):
    parent = create(sdk, market)
    child = create(
        sdk,
        market,
        hierarchy_configuration={"parent": {"customer_id": market.customer, "contract_id": parent}},
    )

    assert read(sdk, market, child).hierarchy_configuration.parent.contract_id == parent
    (known,) = read(sdk, market, parent).hierarchy_configuration.children
    assert (known.contract_id, known.customer_id) == (child, market.customer)
