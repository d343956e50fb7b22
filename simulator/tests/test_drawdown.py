"""What invoices draw from commits and credits, without HTTP: the order, the targets, and exact books."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.amounts import USD, exact, total
from simulator.engine.balances.ledger import enter, segments_of
from simulator.engine.contracts import commits
from simulator.engine.contracts.commit_terms import blank
from simulator.world import Row, World

CUSTOMER, CONTRACT, OTHER = "customer", {"id": "contract", "customer_id": "customer"}, {"id": "other"}
START, MIDDLE, END = "2030-01-01T00:00:00.000Z", "2030-02-01T00:00:00.000Z", "2030-03-01T00:00:00.000Z"
BILLED = "2030-02-02T00:00:00.000Z"


def world_at(now: str = BILLED) -> World:
    return World(clock={"offset_seconds": 0.0, "frozen_at": now})


def put(world: World, kind: str, amount: float, **terms: Any) -> Row:
    """Store a commit ("PREPAID", "POSTPAID") or credit ("CREDIT") of one segment until February."""
    contract = CONTRACT if terms.pop("own", True) else None
    row = blank(world, CUSTOMER, "credit" if kind == "CREDIT" else "commit", contract)
    segment = {
        "id": world.new_id(),
        "amount": amount,
        "starting_at": terms.pop("start", START),
        "ending_before": terms.pop("end", MIDDLE),
    }
    access_type = terms.pop("access_type", "SPEND")
    row |= {"type": kind, "product": {"id": "p", "name": kind.capitalize()}, **terms}
    row["access_schedule"] = {
        "access_type": access_type,
        "credit_type": USD if access_type == "SPEND" else None,
        "schedule_items": [segment],
    }
    commits.store(world, row)
    return row


def line(amount: float, **more: Any) -> Row:
    """A line of usage in January."""
    whole = {"type": "usage", "name": "Usage", "total": amount, "quantity": amount, "credit_type": USD}
    return whole | {"product_id": "usage", "starting_at": START, "ending_before": MIDDLE} | more


def drawn(world: World, *lines: Row) -> dict[str, float]:
    """Name → what it paid, after drawing on an invoice of January."""
    paid: dict[str, float] = {}
    for each in applied(commits.draw(world, CONTRACT, list(lines), MIDDLE, "invoice")):
        name = each["name"].removesuffix(" applied")
        paid[name] = paid.get(name, 0) - each["total"]
    return paid


def applied(lines: list[Row]) -> list[Row]:
    """Those that take away what balances pay for."""
    return [each for each in lines if each["type"] == "applied_commit_or_credit"]


def test_rollovers_come_first_then_the_lower_priority_and_postpaid_last():
    world = world_at()
    put(world, "CREDIT", 10, name="late", priority=2)
    put(world, "PREPAID", 10, name="early", priority=1)
    put(world, "PREPAID", 10, name="rolled", priority=9, rolled_over_from={"commit_id": "x"})
    postpaid = put(world, "POSTPAID", 100, name="post", priority=0)

    assert drawn(world, line(28)) == {"rolled": 10, "early": 10, "late": 8}
    assert commits.show(world, postpaid, ledger=True)["ledger"][-1]["type"] == "POSTPAID_COMMIT_EXPIRATION"


def test_a_postpaid_commit_counts_usage_and_leaves_it_to_be_billed():
    world = world_at()
    row = put(world, "POSTPAID", 100, end=END)

    assert drawn(world, line(30)) == {"Postpaid": 30}
    assert commits.balance_of(world, row) == 70
    assert commits.true_up(row, BILLED, "true-up") == 70
    assert [(each["type"], each["amount"]) for each in commits.show(world, row, ledger=True)["ledger"]] == [
        ("POSTPAID_COMMIT_INITIAL_BALANCE", 100),
        ("POSTPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -30),
        ("POSTPAID_COMMIT_TRUEUP", -70),
    ]


def test_of_equal_priorities_the_documented_order_decides():
    """Free before paid, fewer products before more, the earlier end, the earlier start, fewer contracts."""
    world, bill = world_at(), {"do_not_invoice": True, "schedule_items": [{"amount": 1}]}
    early = "2029-12-01T00:00:00.000Z"
    put(world, "PREPAID", 1, name="6 paid for", priority=1, invoice_schedule=bill, end=BILLED)
    put(world, "CREDIT", 1, name="5 of every contract", priority=1, own=False)
    put(world, "CREDIT", 1, name="7 of the last priority")
    put(world, "CREDIT", 1, name="4 of this contract", priority=1)
    put(world, "CREDIT", 1, name="3 of two products", priority=1, applicable_product_ids=["usage", "b"])
    put(world, "CREDIT", 1, name="2 of one product", priority=1, applicable_product_ids=["usage"], end=END)
    put(world, "CREDIT", 1, name="1 of an earlier end", priority=1, specifiers=[{"product_id": "usage"}])
    put(
        world,
        "CREDIT",
        1,
        name="0 of an earlier start",
        priority=1,
        applicable_product_ids=["usage"],
        start=early,
    )

    assert [name[0] for name in drawn(world, line(9))] == list("01234567")


def test_the_six_commits_of_the_prioritization_rules_burn_down_from_a_to_f():
    world, paid = world_at(), {"do_not_invoice": True, "schedule_items": [{"amount": 1}]}
    east, west = ({"pricing_group_values": {"region": f"us-{side}-1"}} for side in ("east", "west"))
    specific = {
        "priority": 100,
        "invoice_schedule": paid,
        "specifiers": [east | {"product_id": "usage"}, west],
    }
    put(world, "PREPAID", 1, name="F", priority=100, invoice_schedule=paid)
    put(world, "PREPAID", 1, name="E", end=END, **specific)
    put(world, "PREPAID", 1, name="D", **specific)
    put(world, "PREPAID", 1, name="C", priority=100, invoice_schedule=paid, applicable_product_ids=["usage"])
    put(world, "PREPAID", 1, name="B", priority=100)
    put(world, "PREPAID", 1, name="A", priority=50, invoice_schedule=paid)

    assert list(drawn(world, line(6, **east))) == list("ABCDEF")


def test_postpaid_rollovers_come_before_other_rollovers_whatever_their_priority():
    world = world_at()
    put(world, "PREPAID", 1, name="prepaid", priority=1, rolled_over_from={"commit_id": "x"})
    put(world, "POSTPAID", 1, name="postpaid", priority=2, rolled_over_from={"commit_id": "x"})

    assert list(drawn(world, line(2))) == ["postpaid", "prepaid"]


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ({"type": "subscription", "unit_price": 9}, {"unit_price": 1}),
        ({"product_type": "CompositeProductListItem", "unit_price": 9}, {"type": "subscription"}),
        ({"starting_at": "2030-01-02T00:00:00.000Z", "unit_price": 9}, {"unit_price": 1}),
        ({"name": "Data Storage", "unit_price": 1}, {"name": "Data Reads", "unit_price": 2.6}),
        ({"name": "Data Reads", "unit_price": 1}, {"name": "Data Storage", "unit_price": 2.6}),
        ({"name": "B", "unit_price": 1}, {"name": "A", "unit_price": 1}),
    ],
)
def test_usage_is_paid_for_first_then_the_earlier_start_the_higher_price_and_the_name(last, first):
    """What may pay for both pays for the one that comes first."""
    world = world_at()
    put(world, "PREPAID", 3, name="both", priority=1)
    put(world, "PREPAID", 3, name="last's own", priority=2, applicable_product_ids=["last"])
    put(world, "PREPAID", 3, name="first's own", priority=3, applicable_product_ids=["first"])

    rows = [line(3, product_id="last") | last, line(3, product_id="first") | first]

    assert drawn(world, *rows) == {"both": 3, "last's own": 3}


def test_only_what_is_targeted_is_paid_for():
    world = world_at()
    put(world, "CREDIT", 5, name="id", priority=1, applicable_product_ids=["a"])
    put(world, "CREDIT", 5, name="tag", priority=2, applicable_product_tags=["t"])
    specifier = {"product_tags": ["t", "u"], "pricing_group_values": {"region": "eu"}}
    put(world, "CREDIT", 5, name="specified", priority=3, specifiers=[specifier])
    put(world, "CREDIT", 5, name="foreign", priority=4, own=False, applicable_contract_ids=["other"])

    assert drawn(world, line(9, product_id="b")) == {}
    assert drawn(world, line(9, product_id="a")) == {"id": 5}
    assert drawn(world, line(9, product_tags=["t"])) == {"tag": 5}
    assert drawn(world, line(9, product_tags=["t", "u"])) == {}
    eu = {"region": "eu", "tier": "1"}
    assert drawn(world, line(9, product_tags=["t", "u"], pricing_group_values=eu)) == {"specified": 5}


def test_usage_outside_of_a_segment_another_currency_and_charges_are_not_paid_for():
    world = world_at()
    put(world, "CREDIT", 5, start=MIDDLE, end=END)
    put(world, "CREDIT", 5)

    assert drawn(world, line(3, credit_type={"id": "eur", "name": "EUR"})) == {}
    assert drawn(world, line(3, type="scheduled")) == {}
    assert drawn(world, line(-3)) == {}
    assert drawn(world, line(9)) == {"Credit": 5}


def test_a_balance_of_units_pays_for_units():
    world = world_at()
    row = put(world, "CREDIT", 4, access_type="QUANTITY", end=END)

    lines = commits.draw(world, CONTRACT, [line(50, quantity=10)], MIDDLE, "invoice")

    (taken,) = applied(lines)
    assert [(each.get("quantity"), each["total"]) for each in lines] == [(4, 20), (None, -20), (6, 30)]
    assert (taken["total"], taken["quantity_consumed"]) == (-20, 4)
    assert taken["applied_commit_or_credit"] == {
        "id": row["id"],
        "type": "CREDIT",
        "access_type": "QUANTITY",
    }
    assert commits.balance_of(world, row) == 0


def test_a_projection_says_what_would_be_drawn_and_moves_nothing():
    world = world_at()
    row = put(world, "PREPAID", 10, end=END)

    lines, _drawn = commits.settle(world, CONTRACT, [line(4)], MIDDLE)

    assert [(each["total"], each["commit_id"], each["commit_type"]) for each in lines] == [
        (4, row["id"], "PrepaidCommit"),
        (-4, row["id"], "PrepaidCommit"),
    ]
    assert commits.balance_of(world, row) == 10


def test_a_void_invoice_gives_back_what_it_drew_once():
    world = world_at()
    row = put(world, "PREPAID", 10, end=END)
    postpaid = put(world, "POSTPAID", 100, end=END)
    drawn(world, line(14))

    for _time in range(2):
        commits.give_back(world, CUSTOMER, "invoice")

    assert [(each["type"], each["amount"]) for each in commits.show(world, row, ledger=True)["ledger"]] == [
        ("PREPAID_COMMIT_SEGMENT_START", 10),
        ("PREPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -10),
        ("PREPAID_COMMIT_CANCELED", 10),
    ]
    assert (commits.balance_of(world, row), commits.balance_of(world, postpaid)) == (10, 100)


def test_usage_that_is_billed_after_a_segment_has_expired_still_draws_on_it():
    world = world_at(MIDDLE)
    row = put(world, "CREDIT", 10)
    before = commits.show(world, row, ledger=True)["ledger"]

    assert drawn(world, line(4)) == {"Credit": 4}

    after = commits.show(world, row, ledger=True)["ledger"]
    assert [each["amount"] for each in before] == [10, -10]
    assert [each["amount"] for each in after] == [10, -4, -6]


AMOUNTS = st.decimals(0, 10_000, places=4).map(float)
ACTS = st.one_of(
    st.tuples(st.just("draw"), st.lists(AMOUNTS, max_size=3)),
    st.tuples(st.just("void"), st.integers(0, 20)),
    st.tuples(st.just("manual"), AMOUNTS),
    st.tuples(st.just("pass"), st.sampled_from([START, "2030-01-15T00:00:00.000Z", MIDDLE, BILLED, END])),
)


@settings(max_examples=150, deadline=None)
@given(
    balances=st.lists(st.tuples(st.sampled_from(["PREPAID", "POSTPAID", "CREDIT"]), AMOUNTS), min_size=1),
    acts=st.lists(ACTS, max_size=12),
)
def test_after_any_history_ledgers_sum_to_balances_and_invoices_are_never_paid_twice(balances, acts):
    world = world_at(START)
    rows = [
        put(world, kind, amount, end=END if n % 2 else MIDDLE) for n, (kind, amount) in enumerate(balances)
    ]
    for number, (act, what) in enumerate(acts):
        if act == "draw":
            lines = [line(each) for each in what]
            billed = commits.draw(world, CONTRACT, lines, MIDDLE, f"invoice {number}")
            paid = -exact(total(each["total"] for each in applied(billed)))
            whole = total(each["total"] for each in billed if each["type"] == "usage")
            assert whole == total(each["total"] for each in lines)
            assert 0 <= paid <= exact(total(each["total"] for each in lines))
        elif act == "void":
            commits.give_back(world, CUSTOMER, f"invoice {what}")
        elif act == "manual":
            row = rows[number % len(rows)]
            enter(row, "MANUAL", segments_of(row)[0], exact(what), START, reason="more")
        else:
            world.clock["frozen_at"] = max(what, world.stamp())
        for row in rows:
            shown = commits.show(world, row, balance=True, ledger=True)
            assert shown["balance"] == total(each["amount"] for each in shown["ledger"])
            assert shown["balance"] >= 0
