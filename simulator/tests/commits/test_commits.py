"""Commits of customers, driven by the strict SDK."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from metronome import BadRequestError, ConflictError, NotFoundError

from simulator.tests.commits.schedules import NOBODY, USD, YEAR, access, invoiced, types_and_amounts
from simulator.tests.saying import day, message


def test_a_prepaid_commit_is_shown_as_it_was_made(create, only, product, simulator):
    made = create(
        name="Year",
        description="ours",
        applicable_product_tags=["compute"],
        rate_type="COMMIT_RATE",
        uniqueness_key="year-1",
    )

    row = only(made)

    assert (row.type, row.name, row.description, row.priority) == ("PREPAID", "Year", "ours", 1)
    assert (row.product.id, row.product.name, row.uniqueness_key) == (product, "Commitment", "year-1")
    assert (row.rate_type, row.applicable_product_tags) == ("COMMIT_RATE", ["compute"])
    assert row.access_schedule.credit_type.id == USD
    assert row.access_schedule.access_type == "SPEND"
    (segment,) = row.access_schedule.schedule_items
    assert (segment.amount, segment.starting_at, segment.ending_before) == (1000, day(1), day(12))
    assert (row.balance, row.created_by, row.contract, row.invoice_schedule) == (
        1000,
        "API token",
        None,
        None,
    )
    (start,) = row.ledger
    assert (start.type, start.amount, start.segment_id, start.timestamp) == (
        "PREPAID_COMMIT_SEGMENT_START",
        1000,
        segment.id,
        day(1),
    )
    assert simulator.ledger()[-1]["action"] == "create"
    assert simulator.ledger()[-1]["resource_id"] == made


def test_segments_open_and_expire_with_the_clock_and_the_ledger_sums_to_the_balance(create, only, simulator):
    made = create(access_schedule=access((100, day(1), day(3)), (40.5, day(2), day(4)), (7, day(5), day(6))))
    seen = {}
    for month in (2, 3, 4, 5, 7):
        simulator.control("POST", "clock", {"at": f"2030-0{month}-01T00:00:00Z", "frozen": True})
        row = only(made)
        assert row.balance == sum(amount for _type, amount in types_and_amounts(row))
        seen[month] = row.balance

    assert seen == {2: 140.5, 3: 40.5, 4: 0, 5: 7, 7: 0}
    assert types_and_amounts(only(made)) == [
        ("PREPAID_COMMIT_SEGMENT_START", 100),
        ("PREPAID_COMMIT_SEGMENT_START", 40.5),
        ("PREPAID_COMMIT_EXPIRATION", -100),
        ("PREPAID_COMMIT_EXPIRATION", -40.5),
        ("PREPAID_COMMIT_SEGMENT_START", 7),
        ("PREPAID_COMMIT_EXPIRATION", -7),
    ]


def test_a_postpaid_commit_begins_with_its_initial_balance(create, only, contract):
    made = create(type="POSTPAID", invoice_schedule=invoiced(1000), invoice_contract_id=contract)

    row = only(made)

    assert types_and_amounts(row) == [("POSTPAID_COMMIT_INITIAL_BALANCE", 1000)]
    assert (row.type, row.balance, row.invoice_contract.id) == ("POSTPAID", 1000, contract)
    (item,) = row.invoice_schedule.schedule_items
    assert (item.timestamp, item.unit_price, item.quantity, item.amount) == (day(6), 1000, 1, 1000)


def test_a_commit_of_units_has_no_currency(create, only):
    row = only(create(access_schedule=access((5, day(1), day(2)), access_type="QUANTITY")))

    assert (row.access_schedule.access_type, row.access_schedule.credit_type) == ("QUANTITY", None)
    assert row.balance == 5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"access_schedule": access()}, "access_schedule must have 1 to 1000 schedule items"),
        (
            {"access_schedule": access((-1, day(1), day(2)))},
            "access schedule amounts must not be negative",
        ),
        (
            {"access_schedule": access((1, datetime(2030, 1, 1, 0, 30, tzinfo=UTC), day(2)))},
            "access_schedule starting_at is required to be on an hour boundary",
        ),
        ({"access_schedule": access((1, day(2), day(2)))}, "ending_before must be after its start"),
        (
            {"access_schedule": access((1, day(1), day(2)), credit_type_id=NOBODY)},
            "credit_type_id holds an unknown pricing unit",
        ),
        ({"product_id": NOBODY}, f"Product {NOBODY} was not found"),
        ({"product_id": "nonsense"}, "product id must be a valid UUID"),
        ({"applicable_product_ids": [NOBODY]}, f"Product {NOBODY} was not found"),
        ({"applicable_contract_ids": [NOBODY]}, f"Contract {NOBODY} of the customer was not found"),
        ({"specifiers": [{}]}, "a specifier requires at least one condition"),
        (
            {"specifiers": [{"product_tags": ["a"]}], "applicable_product_tags": ["b"]},
            "specifiers can't be combined with applicable_product_ids or applicable_product_tags",
        ),
        ({"name": ""}, "name must not be empty"),
        ({"custom_fields": {"unknown": "x"}}, "Invalid custom field keys"),
        ({"invoice_schedule": invoiced(5)}, "invoice_contract_id is required for a commit that is invoiced"),
        ({"type": "POSTPAID"}, "POSTPAID commits require one access and one invoice schedule item"),
        (
            {"type": "POSTPAID", "invoice_schedule": invoiced(999)},
            "POSTPAID commits require equal access and invoice schedule amounts",
        ),
        (
            {"invoice_schedule": {**invoiced(-5), "do_not_invoice": True}},
            "invoice schedule amounts must not be negative",
        ),
    ],
)
def test_what_cannot_be_agreed_is_refused_and_leaves_nothing(sdk, customer, create, given, words):
    with pytest.raises(BadRequestError) as refused:
        create(**given)

    assert message(refused) == words
    assert list(sdk.v1.customers.commits.list(customer_id=customer)) == []


def test_a_product_that_is_not_fixed_is_refused(sdk, create):
    composite = sdk.v1.contracts.products.create(name="Sum", type="COMPOSITE", composite_tags=["a"]).data.id

    with pytest.raises(BadRequestError) as refused:
        create(product_id=composite)

    assert message(refused) == "product_id must name a FIXED product"


def test_commits_and_credits_share_their_uniqueness_keys(sdk, customer, product, create):
    create(uniqueness_key="once")

    with pytest.raises(ConflictError) as again:
        create(uniqueness_key="once")
    with pytest.raises(ConflictError):
        sdk.v1.customers.credits.create(
            customer_id=customer,
            product_id=product,
            priority=1,
            access_schedule=YEAR,
            uniqueness_key="once",
        )

    assert message(again) == "This uniqueness key has already been used"


def test_an_unknown_customer_is_not_found(sdk, product, customer):
    commits = sdk.v1.customers.commits

    with pytest.raises(NotFoundError):
        commits.create(
            customer_id=NOBODY, product_id=product, type="PREPAID", priority=1, access_schedule=YEAR
        )
    with pytest.raises(NotFoundError):
        commits.list(customer_id=NOBODY)
    with pytest.raises(NotFoundError):
        commits.update_end_date(customer_id=customer, commit_id=NOBODY)


def test_a_list_is_filtered_by_time_kind_and_id(sdk, customer, create):
    early = create(access_schedule=access((1, day(1), day(2))))
    late = create(access_schedule=access((1, day(3), day(4)), access_type="QUANTITY"))

    def ids(**filters: Any) -> list[str]:
        return [row.id for row in sdk.v1.customers.commits.list(customer_id=customer, **filters)]

    assert ids() == [early, late]
    assert ids(covering_date=day(2)) == []
    assert ids(covering_date=day(3)) == [late]
    assert ids(starting_at=day(2)) == [late]
    assert ids(effective_before=day(3)) == [early]
    assert ids(access_type="QUANTITY") == [late]
    assert ids(commit_id=early) == [early]


def test_a_list_comes_in_pages_of_at_most_25(sdk, customer, create):
    made = [create() for _number in range(27)]

    first = sdk.v1.customers.commits.list(customer_id=customer)

    assert [row.id for row in first.data] == made[:25]
    assert [row.id for row in first.get_next_page().data] == made[25:]
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.customers.commits.list(customer_id=customer, limit=26)
    assert message(refused) == "limit must be between 1 and 25"
