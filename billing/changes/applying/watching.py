"""Is the world still what was approved? Read live by the preflight and again right before each write."""

from __future__ import annotations

from dataclasses import dataclass

from billing.changes.asking.kinds import GUARDS
from billing.changes.nouns import noun_of
from billing.changes.sealed import Results, SealedCall, SealedRequest, id_of
from billing.metronome.account import Gateway
from billing.mirror.resource import Resource, State


@dataclass(frozen=True, slots=True)
class Moved:
    """A difference that makes a request stale, in a sentence for people."""

    sentence: str


def differences(
    gateway: Gateway,
    request: SealedRequest,
    call: SealedCall,
    results: Results,
    *,
    most_guard_requests: int | None = None,
) -> list[Moved]:
    """What moved since submit, with the effects of the calls before this one folded in; then its guards.

    Only an early check may set most_guard_requests: what is about to be sent asks for everything.
    Raises GatewayError when Metronome can't be read: then nothing is known, and nothing may be sent.
    """
    moved = [
        difference
        for thing in sorted(request.watched)
        for difference in _moves(gateway, request, thing, call, results)
    ]
    for guard in call.guards:
        broken = GUARDS[guard.name].broken(
            gateway,
            guard.values,
            own_id=id_of(guard.of, results) if guard.of else None,
            most_requests=most_guard_requests,
        )
        moved += [Moved(sentence) for sentence in broken]
    return moved


def _moves(
    gateway: Gateway, request: SealedRequest, thing: str, call: SealedCall, results: Results
) -> list[Moved]:
    thing_id = id_of(thing, results)
    if thing_id is None:
        return []
    watched = request.watched[thing]
    resource = noun_of(thing)
    live = resource.read(gateway, thing_id, watched, owner_id=id_of(request.owner_of(thing), results) or "")
    if live is None:
        return [Moved(f"Metronome no longer knows this {resource.label}.")]
    folded = call.before.get(thing, {})
    moved = []
    for name in sorted(watched):
        field = resource.field(name)
        before = field.expected(watched[name], folded.get(name, watched[name]))
        if not field.is_same(before, live[name]):
            moved.append(Moved(field.moved(before, live[name])))
    if moved and not results and _is_as_asked(resource, request.after[thing], live):
        moved.append(Moved(f"The {resource.label} is already as this request asks."))
    return moved


def _is_as_asked(resource: Resource, asked: State, live: State) -> bool:
    """Whether somebody has done the same already, or we have, and our record of it was lost."""
    known = [field for field in resource.fields if field.name in asked and field.name in live]
    return bool(known) and all(field.is_as(asked[field.name], live[field.name]) for field in known)
