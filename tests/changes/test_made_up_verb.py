"""A verb that nobody has heard of: two files beside the others, and nothing else is edited.

One file has the kind, one its two operations; the second call takes the id that the first one makes. It is
proposed on its page, agreed to, applied by a worker that dies at each step, recorded and shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from billing.audit.models import AuditEvent
from billing.changes import sealed
from billing.changes.asking import kinds
from billing.changes.asking.kind import Kind
from billing.changes.models import ChangeRequest
from billing.metronome import operations
from billing.metronome.account import Gateway
from billing.metronome.operations.base import Operation
from billing.mirror.resources.customer import queries as mirror
from billing.users import User
from billing.walking import found_in
from tests.faults import answers, asked, test_crash_table, test_lost_answers
from tests.faults.test_crash_table import ROOT, STEPS, killed, recover
from tests.simulator_server import RunningSimulator
from tests.world import approve

KIND = """
from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example
from billing.changes.asking.kind import Kind, ProposalForm
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.holds import of_itself
from billing.metronome.operations.base import Made
from billing.metronome.operations.gadgets.endpoints import Link, NewGadget


class GadgetForm(ProposalForm):
    name = forms.CharField(label="What the gadget is called")


class ProvideGadget(Kind):
    name = "gadget.provide"
    label = "Provide a gadget"
    needs_customer = False

    def form(self, basis, data=None):
        return GadgetForm(data, initial=basis.again)

    def build(self, entered, basis):
        called = entered["name"]
        return Proposal(
            kind=self.name,
            sentence=f"Provide the gadget “{called}”.",
            customer_id=None,
            subject_text=called,
            before={},
            calls=(
                Planned("gadgets.make", NewGadget(called)),
                Planned("gadgets.link", Link(Made(1), f"sf-{called}")),
            ),
            holds=(of_itself(f"alias:{called}"),),
            watched={},
            facts={"irreversible": False},
            form={"name": called},
        )

    def example(self, world):
        return Example(Basis(), "ordered", {"name": "Sprocket"})
"""
OPERATIONS = """
from dataclasses import dataclass

from billing.metronome.calls import HttpCall
from billing.metronome.objects.customer import customers_holding_alias, read_customer
from billing.metronome.operations.base import Finding, Id, Operation, Proof, claimed, id_text, newly
from billing.metronome.operations.proof import named_one, read_back
from billing.metronome.outcomes import OutcomeUnknown


@dataclass(frozen=True, slots=True)
class NewGadget:
    name: str


@dataclass(frozen=True, slots=True)
class Link:
    customer_id: Id
    account: str


class MakeGadget(Operation[NewGadget]):
    name = "gadgets.make"
    params = NewGadget
    makes = "customer"

    def show(self, params):
        return HttpCall("POST", "/v1/customers", {"name": params.name, "ingest_aliases": [params.name]})

    def after(self, before, params):
        return claimed(before, newly("customer"), name=params.name, ingest_aliases=[params.name])

    def confirm(self, gateway, call, answer):
        made = read_back(gateway, (answer.data or {}).get("id", ""), answer)
        return {"id": made.id}

    def find(self, gateway, facts):
        held = customers_holding_alias(gateway, facts.params.name)
        if not held:
            return Finding(Proof.NOT_APPLIED, "Nobody holds its alias.", None, [])
        return Finding(Proof.APPLIED, "It is there.", {"id": held[0].id}, [])

    def bears_out(self, gateway, facts, made_id):
        found = read_customer(gateway, made_id)
        return named_one("gadget", {"id": made_id}, [], was_there=False, is_there=bool(found), differs="")

    def how_found(self):
        return "ask who holds its alias"


class LinkGadget(Operation[Link]):
    name = "gadgets.link"
    params = Link

    def show(self, params):
        path = f"/v1/customers/{id_text(params.customer_id)}/updateConfig"
        return HttpCall("POST", path, {"salesforce_account_id": params.account})

    def after(self, before, params):
        return before

    def _account(self, gateway, customer_id):
        return read_customer(gateway, customer_id).raw["customer_config"]["salesforce_account_id"]

    def confirm(self, gateway, call, answer):
        customer_id = call.path.split("/")[3]
        if self._account(gateway, customer_id) != call.body["salesforce_account_id"]:
            raise OutcomeUnknown("It does not read so.", answer.evidence)
        return {"id": customer_id}

    def find(self, gateway, facts):
        of = id_text(facts.params.customer_id)
        if self._account(gateway, of) == facts.params.account:
            return Finding(Proof.APPLIED, "It is linked.", {"id": of}, [])
        return Finding(Proof.NOT_APPLIED, "It is not linked.", None, [])

    def how_found(self):
        return "read the customer"
"""
FILES = {"kinds/gadget/provide.py": KIND, "operations/gadgets/endpoints.py": OPERATIONS}
"""All that the verb costs: its kind, and its operations (which could as well be a file each)."""
WORKER = """
import sys
from importlib.machinery import PathFinder

BESIDE = {"billing.changes.asking.kinds": %(kinds)r, "billing.metronome.operations": %(operations)r}


class Beside:
    def find_spec(name, path, target=None):
        if name not in BESIDE:
            return None
        spec = PathFinder.find_spec(name, path)
        spec.submodule_search_locations.append(BESIDE[name])
        return spec


sys.meta_path.insert(0, Beside)
sys.path.insert(0, %(faults)r)
import crashing_worker

crashing_worker.main()
"""
ROUTES = ["POST /v1/customers", "POST /v1/customers/{customer_id}/updateConfig"]
FEW = {("check", "before", 2), ("journal", "after", 1), ("send", "after", 1), ("send", "after", 2)}


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Path]:
    """The verb's files in a folder of their own, walked as if beside the others; a worker's script."""
    walked = {
        "kinds": (kinds, Kind, kinds.KINDS),
        "operations": (operations, Operation, operations.OPERATIONS),
    }
    for path, text in FILES.items():
        place = tmp_path / path
        place.parent.mkdir(parents=True)
        (place.parent / "__init__.py").touch()
        place.write_text(text, encoding="utf-8")
    for name, (package, _base, _found) in sorted(walked.items(), reverse=True):
        package.__path__.append(str(tmp_path / name))
    for package, base, found in (walked["operations"], walked["kinds"]):
        found.update(found_in(package.__name__, base))
    script = tmp_path / "worker.py"
    places = {name: str(tmp_path / name) for name in walked}
    script.write_text(WORKER % {**places, "faults": str(ROOT / "tests/faults")}, encoding="utf-8")
    yield script
    for name, (package, _base, found) in walked.items():
        package.__path__.remove(str(tmp_path / name))
        for each in [each for each in found if each.startswith("gadget")]:
            del found[each]
    for name in [name for name in sys.modules if ".gadget" in name]:
        del sys.modules[name]


@pytest.fixture
def browser(house: None) -> Callable[[User], Client]:
    def opened(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return opened


@pytest.fixture
def sent(worker: Path, maker: User, browser: Callable[[User], Client]) -> ChangeRequest:
    """Proposed on the page that the kind's form makes."""
    answer = browser(maker).post("/changes/new/gadget.provide/", {"name": "Sprocket", "reason": "ordered"})
    assert answer.status_code == 302
    return ChangeRequest.objects.get()


def test_two_files_are_all_that_it_costs() -> None:
    assert len(FILES) == 2
    assert all(os.sep in path for path in FILES)


def test_its_page_its_hints_and_the_request_come_from_its_class(
    worker: Path, sent: ChangeRequest, maker: User, checker: User, browser: Callable[[User], Client]
) -> None:
    form = browser(maker).get("/changes/new/gadget.provide/")
    assert "What the gadget is called" in form.text
    hints = browser(maker).post("/changes/new/gadget.provide/hints/", {"name": "Sprocket"})
    assert [call.path for call in hints.context["calls"]] == [
        "/v1/customers",
        "/v1/customers/‹id from call 1›/updateConfig",
    ]

    page = browser(checker).get(f"/changes/{sent.reference}/").text
    for words in (
        "Provide the gadget “Sprocket”.",
        "Provide a gadget",
        "/v1/customers/‹id from call 1›/updateConfig",
        "ask who holds its alias",
        "read the customer",
    ):
        assert words in page
    docket = browser(checker).get("/changes/?view=all&kind=gadget.provide").text
    assert sent.reference in docket
    assert "gadget.provide" in browser(maker).get("/changes.csv?view=all").getvalue().decode()


def test_its_rows_in_the_tables_of_faults_come_from_its_example(
    worker: Path,
    maker: User,
    checker: User,
    checker2: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    steps = [row.values[:2] for row in test_crash_table.rows() if row.values[2] == "gadget.provide"]
    assert steps == STEPS
    lost = [row.values[1] for row in answers.rows(answers.BEFORE) if row.values[0] == "gadget.provide"]
    assert lost == list(answers.BEFORE)
    spoilt = [row.values for row in answers.rows(answers.AFTER, with_others=True)]
    assert ("gadget.provide", "silence", "nothing") in spoilt

    change = asked.approved_request("gadget.provide", gateway, maker, (checker, checker2))
    killed(change, "send", "after", simulator, 2, worker)
    recover(change, gateway)
    assert change.status == "applied", change.explanation
    asked.assert_each_call_took_effect_once(change, simulator)


def test_an_answer_of_its_last_call_that_is_lost_is_looked_up(
    worker: Path,
    maker: User,
    checker: User,
    checker2: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    test_lost_answers.test_an_effect_without_its_answer_is_never_made_twice(
        "gadget.provide", "silence", "nothing", gateway, simulator, maker, checker, checker2
    )


def test_it_waits_in_the_demo_and_has_a_past_there(
    worker: Path, house: None, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.reset(customers=260)

    call_command("seed_demo", verbosity=0)

    told = ChangeRequest.objects.filter(kind="gadget.provide")
    assert told.get(status="submitted").sentence == "Provide the gadget “Sprocket”."
    assert told.filter(status__in=["rejected", "withdrawn", "expired"]).exists()


@pytest.mark.parametrize(
    ("step", "when", "nth"),
    [
        pytest.param(*row, nth, marks=() if (*row, nth) in FEW else pytest.mark.rows)
        for row in STEPS
        for nth in (1, 2)
        if nth == 1 or row[0] not in ("claim", "verify", "finish")
    ],
)
def test_a_worker_that_dies_at_any_step_of_either_call_makes_each_effect_once(
    step: str,
    when: str,
    nth: int,
    worker: Path,
    sent: ChangeRequest,
    maker: User,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    browser: Callable[[User], Client],
) -> None:
    change = approve(sent, checker)

    killed(change, step, when, simulator, nth, worker)
    recover(change, gateway)

    assert change.status == "applied", change.explanation
    assert [effect["route"] for effect in simulator.ledger()] == ROUTES
    made = simulator.customer(alias="Sprocket")
    assert made["customer_config"] == {"salesforce_account_id": "sf-Sprocket"}
    assert sealed.read(change.sealed).call(2).http.path == "/v1/customers/‹id from call 1›/updateConfig"
    assert [call.result["id"] for call in change.calls.all()] == [made["id"], made["id"]]
    told = AuditEvent.objects.filter(reference=change.reference).values_list("event_type", "customer_id")
    assert {"change.submitted", "change.approved", "change.applied"} <= {event for event, _of in told}
    assert {str(of) for event, of in told if event == "change.applied"} == {made["id"]}
    assert mirror.snapshot(made["id"])["name"] == "Sprocket"
    page = browser(maker).get(f"/changes/{change.reference}/").text
    assert f"/customers/{made['id']}/" in page
