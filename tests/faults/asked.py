"""The requests of the fault tables: one of every kind there is, as the kind's own example asks for it."""

from __future__ import annotations

import re
from typing import Any

import httpx

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes import sealed
from billing.changes.asking import submitting
from billing.changes.asking.basis import Basis
from billing.changes.asking.example import NothingSuch
from billing.changes.asking.kinds import KINDS
from billing.changes.local import LOCAL, LOCAL_NOUNS
from billing.changes.models import CallStatus, ChangeRequest
from billing.management.demo.world import MirroredWorld
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by


class SmallWorld(MirroredWorld):
    """The simulator's own customers; a provider, which none of them has, somebody else gives one."""

    def surveyed(self, *having: str) -> Basis:
        try:
            return super().surveyed(*having)
        except NothingSuch:
            others_set_billing(self.gateway, str(self.ids[0]))
            return super().surveyed(*having)

    def person(self, *, may_come_in: bool) -> User:
        if not may_come_in:
            User.objects.create_user(username="gone", name="Gone", role="finance", is_active=False)
        return super().person(may_come_in=may_come_in)


def small_world(gateway: Gateway) -> SmallWorld:
    """Mirrored as it is now; customers that hold an alias come first."""
    refresh_account(gateway, pauses=())
    active = Customer.objects.filter(archived_at=None).order_by("created_at", "id")
    return SmallWorld(gateway, active.values_list("pk", flat=True))


def approved_request(kind: str, gateway: Gateway, maker: User, checkers: tuple[User, User]) -> ChangeRequest:
    """An approved request of this kind; an administrator asks for what is about people."""
    if not maker.may(KINDS[kind].asked_by):
        maker = User.objects.create_user(username="asking", name="Asking", role="administrator")
    example = KINDS[kind].example(small_world(gateway))
    proposal = KINDS[kind].as_entered(example)
    change = submitting.submit(proposal, actor=by(maker), reason=example.reason)
    return approve(change, *checkers[: change.steps.get().people])


def is_done_here(kind: str) -> bool:
    """Whether a kind is about something of ours, so that nothing of it is sent."""
    return kind.partition(".")[0] in LOCAL_NOUNS


def ours(simulator: RunningSimulator) -> list[dict[str, Any]]:
    """The effects of our own calls, by their user agent."""
    return [effect for effect in simulator.ledger() if effect["user_agent"].startswith("countersign/")]


def assert_each_call_took_effect_once(change: ChangeRequest, simulator: RunningSimulator) -> None:
    """Metronome's ledger has one effect a call, in their order; ours no second record of one."""
    calls = sealed.read(change.sealed).calls
    shown = [f"{call.http.method} {call.http.path}" for call in calls if call.operation not in LOCAL]
    routes = [effect["route"] for effect in ours(simulator)]
    assert len(routes) == len(shown), routes
    assert all(re.fullmatch(re.sub(r"{\w+}", "[^/]+", of), it) for of, it in zip(routes, shown, strict=True))
    assert {call.status for call in change.calls.all()} == {CallStatus.APPLIED}
    applied = AuditEvent.objects.filter(reference=change.reference, event_type=Event.CALL_APPLIED)
    told = [event.new["call"] for event in applied]
    assert len(told) == len(set(told)), told
    assert {call.position for call in calls if call.operation in LOCAL} <= set(told)


def others_set_billing(gateway: Gateway, customer_id: str) -> None:
    """Somebody else gives the customer a billing configuration, straight at the simulator."""
    row = {
        "customer_id": customer_id,
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "configuration": {"stripe_customer_id": "cus_crash", "stripe_collection_method": "send_invoice"},
    }
    asked = {"what": "POST /v1/setCustomerBillingProviderConfigurations", "body": {"data": [row]}}
    answer = httpx.post(f"{gateway.config.base_url}/_sim/change", json=asked, trust_env=False, timeout=30)
    answer.raise_for_status()
