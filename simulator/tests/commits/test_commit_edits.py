"""Commits of customers that end earlier, or are edited, driven by the strict SDK."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from metronome import BadRequestError

from simulator.tests.commits.schedules import NOBODY, access, invoiced
from simulator.tests.saying import day, message


def test_an_end_date_comes_earlier_and_cuts_segments_and_invoices(sdk, customer, create, contract, only):
    made = create(
        access_schedule=access((10, day(1), day(3)), (20, day(3), day(5))),
        invoice_schedule={
            "schedule_items": [{"timestamp": day(2), "amount": 1}, {"timestamp": day(4), "amount": 2}]
        },
        invoice_contract_id=contract,
    )

    updated = sdk.v1.customers.commits.update_end_date(
        customer_id=customer, commit_id=made, access_ending_before=day(2), invoices_ending_before=day(4)
    )

    row = only(made)
    assert updated.data.id == made
    assert [(each.amount, each.ending_before) for each in row.access_schedule.schedule_items] == [
        (10, day(2))
    ]
    assert [each.amount for each in row.invoice_schedule.schedule_items] == [1]


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (datetime(2031, 1, 1, tzinfo=UTC), "access_ending_before can't be after the current end"),
        (day(1), "access_ending_before must be after the start of the access schedule"),
        (
            datetime(2030, 2, 1, 0, 1, tzinfo=UTC),
            "access_ending_before is required to be on an hour boundary",
        ),
    ],
)
def test_an_end_date_that_cannot_be_is_refused(sdk, customer, create, only, end, words):
    made = create()

    with pytest.raises(BadRequestError) as refused:
        sdk.v1.customers.commits.update_end_date(
            customer_id=customer, commit_id=made, access_ending_before=end
        )

    assert message(refused) == words
    assert only(made).access_schedule.schedule_items[0].ending_before == day(12)


def test_the_end_date_of_a_postpaid_commit_stays(sdk, customer, create, contract):
    made = create(type="POSTPAID", invoice_schedule=invoiced(1000), invoice_contract_id=contract)

    with pytest.raises(BadRequestError) as refused:
        sdk.v1.customers.commits.update_end_date(
            customer_id=customer, commit_id=made, access_ending_before=day(2)
        )

    assert message(refused) == "Only the end date of a PREPAID commit can be updated"


def test_an_edit_adds_changes_and_removes_segments(sdk, customer, create, only, simulator):
    made = create(access_schedule=access((10, day(1), day(3)), (20, day(3), day(5))))
    first, second = only(made).access_schedule.schedule_items

    edited = sdk.v2.contracts.edit_commit(
        customer_id=customer,
        commit_id=made,
        access_schedule={
            "add_schedule_items": [{"amount": 5, "starting_at": day(1), "ending_before": day(2)}],
            "update_schedule_items": [{"id": first.id, "amount": 12}],
            "remove_schedule_items": [{"id": second.id}],
        },
        name="Edited",
        priority=None,
    )

    row = only(made)
    assert edited.data.id == made
    assert (row.name, row.priority, row.balance) == ("Edited", None, 17)
    assert sorted(
        (each.amount, each.starting_at, each.ending_before) for each in row.access_schedule.schedule_items
    ) == [(5, day(1), day(2)), (12, day(1), day(3))]
    effect = simulator.ledger()[-1]
    assert (effect["action"], effect["before"]["access_schedule"]["schedule_items"][0]["amount"]) == (
        "edit",
        10,
    )


def test_both_schedules_of_a_postpaid_commit_are_edited_together(sdk, customer, create, contract, only):
    made = create(type="POSTPAID", invoice_schedule=invoiced(1000), invoice_contract_id=contract)
    row = only(made)
    access_item = row.access_schedule.schedule_items[0].id
    invoice_item = row.invoice_schedule.schedule_items[0].id
    less = {"update_schedule_items": [{"id": access_item, "amount": 600}]}
    billed = {"update_schedule_items": [{"id": invoice_item, "amount": 600}]}
    about = {"customer_id": customer, "commit_id": made}

    with pytest.raises(BadRequestError) as refused:
        sdk.v2.contracts.edit_commit(**about, access_schedule=less)
    with pytest.raises(BadRequestError):
        sdk.v2.contracts.edit_commit(**about, applicable_contract_ids=[contract])
    assert only(made) == row
    sdk.v2.contracts.edit_commit(**about, access_schedule=less, invoice_schedule=billed)

    assert message(refused) == "POSTPAID commits require equal access and invoice schedule amounts"
    assert (only(made).balance, only(made).invoice_schedule.schedule_items[0].amount) == (600, 600)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"update_schedule_items": [{"id": NOBODY}]}, f"access schedule item {NOBODY} was not found"),
        ({"remove_schedule_items": [{"id": NOBODY}]}, f"access schedule item {NOBODY} was not found"),
        (
            {"add_schedule_items": [{"amount": 5, "starting_at": day(2), "ending_before": day(1)}]},
            "ending_before must be after its start",
        ),
    ],
)
def test_an_edit_that_cannot_be_changes_nothing(sdk, customer, create, only, given, words):
    made = create()

    with pytest.raises(BadRequestError) as refused:
        sdk.v2.contracts.edit_commit(customer_id=customer, commit_id=made, access_schedule=given)

    assert message(refused) == words
    assert only(made).balance == 1000


def test_a_segment_with_entries_and_an_archived_commit_are_not_edited(sdk, customer, create, only):
    made = create(access_schedule=access((10, day(1), day(3)), (20, day(1), day(5))))
    segment = only(made).access_schedule.schedule_items[0].id
    sdk.v1.contracts.add_manual_balance_entry(
        customer_id=customer, id=made, segment_id=segment, amount=1, reason="x"
    )
    about = {"customer_id": customer, "commit_id": made}

    with pytest.raises(BadRequestError) as moved:
        sdk.v2.contracts.edit_commit(**about, access_schedule={"remove_schedule_items": [{"id": segment}]})
    sdk.post("/v2/contracts/commits/archive", cast_to=object, body=about)
    with pytest.raises(BadRequestError) as archived:
        sdk.v2.contracts.edit_commit(**about, name="x")

    assert message(moved) == "An access schedule item with ledger entries can't be removed"
    assert message(archived) == "An archived commit can't be edited"
