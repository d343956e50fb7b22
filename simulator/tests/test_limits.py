"""Rate limits by account, family and customer, and the five customers of a trial."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import Metronome, NotFoundError, RateLimitError

from simulator.limits import MOST_BUCKETS, Limits
from simulator.running import RunningSimulator
from simulator.tests.in_process import Inside

CUSTOMERS, PLANS, CONTRACTS = "GET /v1/customers", "GET /v1/plans", "POST /v1/contracts/list"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limited(clock: Clock, **rates: Any) -> Inside:
    return Inside(limits=Limits(clock=clock, **rates))


def test_an_account_has_a_second_of_requests_and_gets_them_back(clock: Clock) -> None:
    inside = limited(clock, account=3)

    assert [inside.ask(CUSTOMERS)[0] for _try in range(5)] == [200, 200, 200, 429, 429]
    clock.seconds += 0.7
    assert [inside.ask(PLANS)[0] for _try in range(3)] == [200, 200, 429]


def test_the_429_is_the_documented_one(clock: Clock) -> None:
    inside = limited(clock, account=1)
    inside.ask(CUSTOMERS)

    refusal = inside.answer(CUSTOMERS).reply
    inside.service.limits.retry_after = 2
    with_wait = inside.answer(CUSTOMERS).reply

    assert refusal.payload() == b'{"message":"Rate limit exceeded"}'
    assert refusal.headers == {"x-metronome-rate-limit-type": "client"}
    assert with_wait.headers == {"x-metronome-rate-limit-type": "client", "retry-after": "2"}


def test_accounts_do_not_share_a_limit(clock: Clock) -> None:
    inside = limited(clock, account=1)

    assert [inside.ask(PLANS, token=token)[0] for token in ("ours", "theirs", "ours")] == [200, 200, 429]


def test_a_family_has_a_limit_of_its_own_across_its_routes(clock: Clock) -> None:
    inside = limited(clock, families={"contracts": 2})
    wanted = {"customer_id": inside.world.customer_order[0]}

    assert inside.ask(CONTRACTS, wanted)[0] == 200
    assert inside.ask("POST /v2/contracts/list", wanted)[0] == 200
    assert inside.ask(CONTRACTS, wanted)[0] == 429
    assert inside.ask("POST /v1/contract-pricing/products/list", {})[0] == 429
    assert inside.ask(CUSTOMERS)[0] == 200


def test_what_a_family_refuses_costs_the_account_nothing(clock: Clock) -> None:
    inside = limited(clock, account=3, families={"contracts": 1})
    wanted = {"customer_id": inside.world.customer_order[0]}

    assert [inside.ask(CONTRACTS, wanted)[0] for _try in range(5)] == [200, 429, 429, 429, 429]
    assert [inside.ask(CUSTOMERS)[0] for _try in range(3)] == [200, 200, 429]


def test_a_customer_has_a_limit_by_path_and_by_body(clock: Clock) -> None:
    inside = limited(clock, customer=1)
    first, second = inside.world.customer_order[:2]
    inside.ask(f"GET /v1/customers/{first}")

    refusal = inside.answer(CONTRACTS, {"customer_id": first}).reply

    assert (refusal.status, refusal.headers["x-metronome-rate-limit-type"]) == (429, "customer")
    assert inside.ask(f"GET /v1/customers/{second}")[0] == 200
    assert inside.ask(CUSTOMERS)[0] == 200


def test_a_refused_request_did_nothing_and_is_not_stored(clock: Clock) -> None:
    inside = limited(clock, account=1)
    inside.ask(CUSTOMERS)

    assert inside.ask("POST /v1/customers", {"name": "A"}, key="k")[0] == 429
    assert inside.world.effects == []
    clock.seconds += 1
    assert inside.ask("POST /v1/customers", {"name": "A"}, key="k")[0] == 200


def test_the_buckets_of_many_customers_are_bounded(clock: Clock) -> None:
    inside = limited(clock, customer=1)

    for number in range(MOST_BUCKETS + 50):
        inside.service.limits._filled(("main", "customer", str(number)), 1)

    assert len(inside.service.limits._buckets) == MOST_BUCKETS


def test_rates_are_set_at_run_time_and_nonsense_is_refused() -> None:
    inside = Inside()
    rates = {"requests_per_second": 5, "families": {"contracts": 2}, "customer": 1, "retry_after": 0.5}

    assert inside.ask("POST /_sim/rate", rates) == (200, rates)
    for wrong, words in [
        ({"families": {"nothing": 1}}, "There is no family nothing; there are "),
        ({"requests_per_second": -1}, "requests_per_second must be between 0 and 1,000,000"),
        ({"customer": "many"}, "customer must be a number"),
        ({"speed": 1}, "There is no field speed here; the fields are customer, families, "),
    ]:
        status, answer = inside.ask("POST /_sim/rate", wrong)
        assert (status, answer["message"][: len(words)]) == (400, words)
    assert inside.ask("GET /_sim/rate") == (200, rates)
    assert inside.ask("POST /_sim/rate", {})[1]["requests_per_second"] == 0


def test_the_sdk_meets_the_limit_as_it_would_there(sdk: Metronome, simulator: RunningSimulator) -> None:
    simulator.control("POST", "rate", {"families": {"plans": 1}, "retry_after": 7})
    try:
        sdk.v1.plans.list()
        with pytest.raises(RateLimitError) as caught:
            sdk.v1.plans.list()
    finally:
        simulator.control("POST", "rate", {})

    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.body == {"message": "Rate limit exceeded"}
    assert simulator.requests()["rate_limited"] >= 1


def test_a_trial_account_has_five_active_customers(sdk: Metronome, simulator: RunningSimulator) -> None:
    simulator.reset(customers=0)
    simulator.control("POST", "trial", {"limit": 5})
    made = [sdk.v1.customers.create(name=f"Customer {number}").data.id for number in range(5)]

    with pytest.raises(NotFoundError) as caught:
        sdk.v1.customers.create(name="One too many")
    sdk.v1.customers.archive(id=made[0])
    sdk.v1.customers.create(name="In its place")

    assert caught.value.body["code"] == "NotFound"
    assert caught.value.body["message"].startswith("Trial accounts are limited to 5 active customers")
