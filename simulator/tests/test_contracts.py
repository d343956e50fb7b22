"""Contracts made, read, ended and archived, driven by the strict SDK."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError, ConflictError, NotFoundError

from simulator.tests.contracting import APR, JAN, JUL, JUN, NEXT, NOBODY, create, day, edit, read, seats, told


def test_a_plain_contract_is_shown_as_it_was_made(sdk, simulator, market):
    answer = sdk.v1.contracts.create(
        customer_id=market.customer,
        rate_card_alias="list",
        starting_at=JAN,
        ending_before=NEXT,
        name="Acme 2026",
        net_payment_terms_days=30,
        uniqueness_key="acme-2026",
    ).data

    shown = read(sdk, market, answer.id)
    assert answer.contract.id == shown.id == answer.id
    assert (shown.customer_id, shown.rate_card_id, shown.name) == (market.customer, market.card, "Acme 2026")
    assert (day(shown.starting_at), day(shown.ending_before)) == ("2026-01-01", "2027-01-01")
    assert (shown.net_payment_terms_days, shown.uniqueness_key) == (30, "acme-2026")
    assert shown.usage_statement_schedule.frequency == "MONTHLY"
    assert day(shown.usage_statement_schedule.billing_anchor_date) == "2026-01-01"
    assert (shown.commits, shown.overrides, shown.transitions, shown.usage_filter) == ([], [], [], [])
    assert shown.created_by == "API token"
    assert shown.archived_at is None
    assert told(simulator) == [("contract", "create")]


def test_v1_shows_the_terms_as_they_were_and_as_they_are(sdk, market):
    contract_id = create(sdk, market, name="Before")
    edit(sdk, market, contract_id, update_contract_name="After")

    contract = sdk.v1.contracts.retrieve(customer_id=market.customer, contract_id=contract_id).data
    assert (contract.initial.name, contract.current.name) == ("Before", "After")
    assert contract.amendments == []
    assert sdk.v1.contracts.list(customer_id=market.customer).data == [contract]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"starting_at": "2026-01-01T00:30:00Z"}, "starting_at is required to be on an hour boundary"),
        ({"ending_before": JAN}, "ending_before must be after its start"),
        ({"net_payment_terms_days": -1}, "net_payment_terms_days must not be negative"),
        ({"custom_fields": {"unknown": "x"}}, "Invalid custom field keys"),
        ({"rate_card_alias": "list"}, "rate_card_id and rate_card_alias can't be combined"),
        (
            {"usage_statement_schedule": {"frequency": "MONTHLY", "day": "CUSTOM_DATE"}},
            "billing_anchor_date goes together with day CUSTOM_DATE",
        ),
        (
            {"billing_provider_configuration": {"billing_provider": "stripe"}},
            "The customer has no such billing provider configuration",
        ),
        (
            {"revenue_system_configuration": {"provider": "netsuite"}},
            "Revenue system configurations are not enabled for this account",
        ),
        (
            {"overrides": [{"starting_at": JAN}]},
            "an override requires a rate, a multiplier, tiers or entitled",
        ),
        ({"overrides": [{"starting_at": JAN, "multiplier": -1}]}, "multiplier must not be negative"),
        (
            {"overrides": [{"starting_at": JAN, "tiers": [{"multiplier": 1}]}]},
            "priority is required for this override",
        ),
        (
            {"overrides": [{"starting_at": JAN, "tiers": [{"multiplier": 1}], "priority": 1}]},
            "an override of type TIERED requires multiplier_override_prioritization EXPLICIT",
        ),
        (
            {"overrides": [{"starting_at": JAN, "overwrite_rate": {"rate_type": "FLAT"}}]},
            "price is required for a rate of type FLAT",
        ),
        (
            {"overrides": [{"starting_at": JAN, "multiplier": 1, "target": "COMMIT_RATE"}]},
            "target requires is_commit_specific",
        ),
        (
            {"transition": {"type": "RENEWAL", "from_contract_id": NOBODY}},
            "from_contract_id names no contract of the customer that is unarchived",
        ),
        (
            {"hierarchy_configuration": {"payer": "SELF"}},
            "payer and usage_statement_behavior require a parent",
        ),
    ],
)
def test_a_contract_that_can_not_be_is_refused_and_nothing_is_made(sdk, simulator, market, given, words):
    with pytest.raises(BadRequestError) as refused:
        create(sdk, market, **given)

    assert refused.value.body["message"] == words
    assert sdk.v2.contracts.list(customer_id=market.customer).data == []
    assert told(simulator) == []


def test_override_tiers_on_a_subscription_are_refused(sdk, market):
    tiers = {"starting_at": JAN, "tiers": [{"multiplier": 1}], "priority": 1}
    for target in ({"product_id": market.seats}, {"override_specifiers": [{"product_id": market.seats}]}):
        with pytest.raises(BadRequestError, match="TIERED can't be of a SUBSCRIPTION product"):
            create(sdk, market, overrides=[tiers | target], multiplier_override_prioritization="EXPLICIT")


@pytest.mark.parametrize("unknown", ["customer_id", "rate_card_id", "package_id"])
def test_what_is_unknown_is_not_found(sdk, simulator, market, unknown):
    given = {"customer_id": market.customer, "starting_at": JAN, unknown: NOBODY}
    with pytest.raises(NotFoundError):
        sdk.v1.contracts.create(**given)

    assert told(simulator) == []


def test_a_uniqueness_key_makes_one_contract(sdk, simulator, market):
    create(sdk, market, uniqueness_key="once")

    with pytest.raises(ConflictError) as refused:
        create(sdk, market, uniqueness_key="once")
    assert refused.value.body["message"] == "This uniqueness key has already been used"
    assert told(simulator) == [("contract", "create")]


def test_terms_of_every_kind_are_kept(sdk, market):
    contract_id = create(
        sdk,
        market,
        ending_before=NEXT,
        usage_filter={"group_key": "project", "group_values": ["one"]},
        overrides=[
            {"starting_at": JAN, "product_id": market.calls, "multiplier": 0.5},
            {
                "starting_at": APR,
                "override_specifiers": [{"product_id": market.calls}],
                "overwrite_rate": {"rate_type": "TIERED", "tiers": [{"price": 2, "size": 5}, {"price": 1}]},
            },
        ],
        scheduled_charges=[
            {
                "product_id": market.fee,
                "name": "Support",
                "schedule": {
                    "recurring_schedule": {
                        "amount_distribution": "DIVIDED",
                        "frequency": "QUARTERLY",
                        "starting_at": JAN,
                        "ending_before": NEXT,
                        "amount": 1000,
                    }
                },
            }
        ],
        discounts=[
            {"product_id": market.fee, "schedule": {"schedule_items": [{"timestamp": APR, "amount": 5}]}}
        ],
        professional_services=[
            {"product_id": market.advice, "max_amount": 900, "quantity": 3, "unit_price": 300}
        ],
        reseller_royalties=[
            {"reseller_type": "AWS", "fraction": 0.1, "netsuite_reseller_id": "7", "starting_at": JAN}
        ],
        subscriptions=[seats(market)],
        spend_trackers=[
            {
                "alias": "spend",
                "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
                "reset_frequency": "BILLING_PERIOD",
                "applicable_spend_specifiers": [{"spend_type": "COMMIT_PURCHASE", "sources": ["MANUAL"]}],
            }
        ],
    )

    shown = read(sdk, market, contract_id)
    half, tiered = shown.overrides
    assert (half.type, half.multiplier, half.product.name) == ("MULTIPLIER", 0.5, "Calls")
    assert [tier.price for tier in tiered.overwrite_rate.tiers] == [2, 1]
    assert tiered.override_specifiers[0].product_id == market.calls
    (charge,) = shown.scheduled_charges
    assert (charge.name, charge.product.name) == ("Support", "Fee")
    assert [item.amount for item in charge.schedule.schedule_items] == [250] * 4
    assert shown.discounts[0].schedule.schedule_items[0].amount == 5
    assert shown.professional_services[0].max_amount == 900
    assert shown.reseller_royalties[0].segments[0].fraction == 0.1
    assert shown.spend_trackers[0].alias == "spend"
    (own,) = shown.usage_filter
    assert (own.group_key, own.group_values, day(own.starting_at)) == ("project", ["one"], "2026-01-01")
    (subscription,) = shown.subscriptions
    assert [each.quantity for each in subscription.quantity_schedule] == [10]
    assert day(subscription.billing_periods.current.starting_at) == "2026-06-01"
    assert day(subscription.billing_periods.next.ending_before) == "2026-08-01"
    old = sdk.v1.contracts.retrieve(customer_id=market.customer, contract_id=contract_id).data
    assert old.initial.usage_filter.initial.group_values == ["one"]
    assert old.initial.reseller_royalties[0].netsuite_reseller_id == "7"
    assert old.current == old.initial


def test_commits_and_credits_belong_to_their_contract(sdk, market):
    access = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}
    contract_id = create(
        sdk,
        market,
        commits=[
            {
                "product_id": market.fee,
                "type": "PREPAID",
                "access_schedule": access,
                "temporary_id": "first",
                "priority": 1,
            }
        ],
        credits=[{"product_id": market.fee, "access_schedule": access, "name": "Gift"}],
        overrides=[
            {
                "starting_at": JAN,
                "multiplier": 0.9,
                "is_commit_specific": True,
                "override_specifiers": [{"product_id": market.calls, "commit_ids": ["first"]}],
            }
        ],
    )

    shown = read(sdk, market, contract_id, include_balance=True, include_ledgers=True)
    (commit,), (credit,) = shown.commits, shown.credits
    assert (commit.type, commit.contract.id, commit.balance) == ("PREPAID", contract_id, 100)
    assert (credit.name, credit.balance, len(credit.ledger)) == ("Gift", 100, 1)
    assert shown.overrides[0].override_specifiers[0].commit_ids == [commit.id]
    assert shown.overrides[0].target == "LIST_RATE"


def test_contracts_are_listed_by_their_start_and_by_date(sdk, market):
    late = create(sdk, market, starting_at=JUL)
    early = create(sdk, market, ending_before=APR)

    def listed(**more: Any) -> list[str]:
        return [row.id for row in sdk.v2.contracts.list(customer_id=market.customer, **more)]

    assert listed() == [early, late]
    assert listed(limit=1) == [early, late]
    assert listed(covering_date=JAN) == [early]
    assert listed(covering_date=APR) == []
    assert listed(starting_at=JUN) == [late]
    with pytest.raises(BadRequestError):
        listed(starting_at=JUN, covering_date=JUN)
    with pytest.raises(BadRequestError):
        listed(limit=21)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_unknown_contract_is_404_in_v1_and_400_in_v2(sdk, market, version):
    wrong = {"v1": NotFoundError, "v2": BadRequestError}[version]
    with pytest.raises(wrong) as refused:
        getattr(sdk, version).contracts.retrieve(customer_id=market.customer, contract_id=NOBODY)
    assert refused.value.body["code"] == {"v1": "NotFound", "v2": "ContractNotFound"}[version]
    with pytest.raises(wrong) as refused:
        getattr(sdk, version).contracts.list(customer_id=NOBODY)
    assert refused.value.body["code"] == {"v1": "NotFound", "v2": "CustomerNotFound"}[version]


def test_a_contract_can_be_read_as_of_a_date_but_not_with_ledgers(sdk, simulator, market):
    contract_id = create(sdk, market, name="Before")
    simulator.control("POST", "clock", {"at": "2026-06-20T00:00:00Z", "frozen": True})
    edit(sdk, market, contract_id, update_contract_name="After")

    assert read(sdk, market, contract_id, as_of_date="2026-06-19T00:00:00Z").name == "Before"
    assert read(sdk, market, contract_id, as_of_date="2026-06-21T00:00:00Z").name == "After"
    with pytest.raises(BadRequestError):
        read(sdk, market, contract_id, as_of_date=JUN, include_ledgers=True)


def test_a_usage_filter_ends_the_one_before_it(sdk, market):
    contract_id = create(sdk, market, usage_filter={"group_key": "project", "group_values": ["one"]})
    own = {"customer_id": market.customer, "contract_id": contract_id, "group_key": "project"}

    sdk.v1.contracts.set_usage_filter(**own, group_values=["two", "three"], starting_at=APR)
    with pytest.raises(BadRequestError):
        sdk.v1.contracts.set_usage_filter(**own, group_values=[], starting_at=APR)
    with pytest.raises(BadRequestError):
        sdk.v1.contracts.set_usage_filter(**own, group_values=["x"], starting_at="2025-01-01T00:00:00Z")
    shown = read(sdk, market, contract_id).usage_filter
    assert [(each.group_values, day(each.ending_before)) for each in shown] == [
        (["one"], "2026-04-01"),
        (["two", "three"], None),
    ]
    (told_of,) = sdk.v2.contracts.get_edit_history(customer_id=market.customer, contract_id=contract_id).data
    assert told_of.add_usage_filters[0].group_values == ["two", "three"]


def test_an_amendment_adds_terms(sdk, simulator, market):
    contract_id = create(sdk, market)
    amend = {"customer_id": market.customer, "contract_id": contract_id, "starting_at": APR}
    override = {"starting_at": APR, "multiplier": 0.8, "product_id": market.calls}

    amended = sdk.v1.contracts.amend(**amend, overrides=[override], salesforce_opportunity_id="006").data
    with pytest.raises(BadRequestError):
        sdk.v1.contracts.amend(**amend | {"starting_at": "2025-01-01T00:00:00Z"})
    contract = sdk.v1.contracts.retrieve(customer_id=market.customer, contract_id=contract_id).data
    (amendment,) = contract.amendments
    assert (amendment.id, amendment.salesforce_opportunity_id) == (amended.id, "006")
    assert [each.multiplier for each in amendment.overrides] == [0.8]
    assert (contract.initial.overrides, len(contract.current.overrides)) == ([], 1)
    assert told(simulator) == [("contract", "create"), ("contract", "amend")]


def test_a_package_allows_nothing_of_a_contract_beside_it(sdk, simulator, market):
    package = sdk.v1.packages.create(name="Small", rate_card_id=market.card).data.id
    own = {"customer_id": market.customer, "package_id": package, "starting_at": JAN}

    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.create(**own, name="Mine")
    assert refused.value.body["message"] == "name can't be combined with a package"
    assert told(simulator) == []
    made = sdk.v1.contracts.create(**own, uniqueness_key="from-package").data.contract
    assert (made.package_id, made.rate_card_id, made.uniqueness_key) == (package, market.card, "from-package")
