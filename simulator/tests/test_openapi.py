"""The vendor's OpenAPI documents judge every answer: its status, its type of content and its body.

Requests are the documents' own examples, and valid and invalid ones that schemathesis generates, always the
same; known ids stand where a document asks for one, so that happy answers are reached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from simulator.routes import ROUTES
from simulator.running import TOKEN, RunningSimulator
from simulator.tests import openapi_differences as differences
from simulator.tests.openapi_documents import (
    FOLDER,
    documents,
    examples,
    operation,
    operations,
    prefix,
    takes,
)
from simulator.tests.openapi_world import Known, known_world
from simulator.tests.sdk_methods import sdk_methods, unnamed

SERVED = sorted({unnamed(name) for name in ROUTES} & operations().keys())
EXAMPLES, MODES = 4, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
always_the_same = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Judge:
    """Sends cases of one route and validates the answers; `happy` counts the 2xx."""

    def __init__(self, simulator: RunningSimulator, route: str, known: Known) -> None:
        self.route, self.known, self.happy, self.refusals = route, known, 0, []
        self._address = simulator.url + prefix(documents()[operations()[route][0]])
        self._session = requests.Session()
        self._session.trust_env = False

    def hear(self, case: Case) -> None:
        """Send one case with known ids and validate what comes."""
        case.body = self.known.put_in(case.body, self.route)
        self.hear_as_it_is(case)

    def hear_as_it_is(self, case: Case) -> None:
        """Send one case, known ids in its address alone."""
        case.path_parameters = self.known.put_in(case.path_parameters, self.route)
        case.query = self.known.put_in(case.query, self.route)
        answer = case.call(
            base_url=self._address, session=self._session, headers={"Authorization": f"Bearer {TOKEN}"}
        )
        if answer.status_code < 300:
            self.happy += 1
        else:
            self.refusals.append((answer.status_code, answer.text))
        case.validate_response(answer, checks=self._checks(case, answer))

    def _checks(self, case: Case, answer: Response) -> list[Callable[..., Any]]:
        checks = [content_type_conformance]
        if answer.status_code >= 400:
            checks.append(an_error_as_the_service_words_it)
        elif self.route not in differences.OPEN_ANSWERS:
            checks += [status_code_conformance, response_headers_conformance, response_schema_conformance]
        if case.meta is not None and not takes(self.route, case.body):
            checks.append(negative_data_rejection)
        return checks


def an_error_as_the_service_words_it(_context: Any, answer: Response, _case: Case) -> None:
    """A refusal is `{message}`, with a `code` on some routes, and of a status that means one."""
    error = answer.json()
    statuses = differences.REFUSALS | differences.MORE_REFUSALS.get(unnamed(_case.operation.label), set())
    assert answer.status_code in statuses, error
    assert isinstance(error["message"], str)
    assert isinstance(error.get("code", ""), str)


@pytest.fixture(scope="module")
def made(simulator_process: RunningSimulator) -> tuple[Known, Any]:
    """The small world, and the snapshot that brings it back."""
    simulator_process.reset()
    return known_world(simulator_process), simulator_process.control("GET", "snapshot")


@pytest.mark.skipif(not documents(), reason=f"no OpenAPI document of the vendor in {FOLDER}")
@pytest.mark.parametrize("route", SERVED)
def test_every_answer_is_one_that_the_document_describes(
    route: str, simulator_process: RunningSimulator, made: tuple[Known, Any]
) -> None:
    known, snapshot = made
    simulator_process.control("POST", "restore", snapshot)
    judge, described = Judge(simulator_process, route, known), operation(route)
    path = {each.name: str(UUID(int=0, version=4)) for each in described.path_parameters}
    for body in examples(route):
        judge.hear(described.Case(body=body, path_parameters=path, media_type="application/json"))
    if own := judge.known.own_example(route):
        judge.hear_as_it_is(described.Case(body=own, path_parameters=path, media_type="application/json"))

    takes_something = described.body or described.query or described.path_parameters
    for mode in MODES if takes_something else MODES[:1]:

        @always_the_same
        @given(case=described.as_strategy(generation_mode=mode))
        def every(case: Case) -> None:
            judge.hear(case)

        every()

    assert judge.happy or route in differences.UNREACHED, judge.refusals


@pytest.mark.skipif(not documents(), reason=f"no OpenAPI document of the vendor in {FOLDER}")
def test_what_the_sdk_and_the_documents_do_not_both_know_is_listed() -> None:
    sdk, described = set(sdk_methods().values()), operations().keys()

    assert sdk - described == differences.ONLY_IN_THE_SDK.keys()
    assert described - sdk - set(SERVED) == set().union(*differences.NOT_SERVED.values())
