"""The official SDK is the measure: what it calls is served, driven by a test, and refused as it must be."""

from __future__ import annotations

import inspect
import operator

import pytest
from metronome import AuthenticationError, BadRequestError, Metronome

from simulator.routes import ROUTES
from simulator.running import TOKEN, RunningSimulator
from simulator.tests.sdk_methods import calls_in_tests, sdk_methods, unnamed

OUT_OF_REACH: dict[str, str] = {}
SERVED = {unnamed(name) for name in ROUTES}


def test_every_method_of_the_sdk_finds_its_route_or_is_listed_with_a_reason() -> None:
    unserved = {name for name, route in sdk_methods().items() if route not in SERVED}

    assert unserved == OUT_OF_REACH.keys()


def test_every_route_is_driven_by_a_test() -> None:
    called, methods = calls_in_tests(), sdk_methods()
    driven = {route for name, route in methods.items() if name in called}
    driven |= called - set(methods.values())  # what the SDK has no method for is posted to by hand

    assert SERVED - driven == set()


@pytest.mark.parametrize("name", [name for name, route in sdk_methods().items() if route in SERVED])
def test_every_method_is_refused_to_a_stranger_and_for_nonsense(
    simulator_process: RunningSimulator, name: str
) -> None:
    sdk = Metronome(base_url=simulator_process.url, bearer_token=TOKEN, max_retries=0)
    method, stranger = (
        operator.attrgetter(name)(each) for each in (sdk, sdk.with_options(bearer_token="nobody"))
    )
    effects = len(simulator_process.ledger())
    parameters = inspect.signature(stranger).parameters.values()
    nonsense = {each.name: "nonsense" for each in parameters if each.default is each.empty}

    with pytest.raises(AuthenticationError) as unknown:
        stranger(**nonsense)
    assert unknown.value.body == {"message": "Unauthorized"}
    if nonsense.keys() - {"name"}:  # any text is a name
        with pytest.raises(BadRequestError) as malformed:
            method(**nonsense)
        assert malformed.value.body["message"]
    assert len(simulator_process.ledger()) == effects
