"""Turning a proposal into the rows of a new change request, sealed at one instant."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from billing.changes import holds, sealed
from billing.changes.asking import policy
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.models import ApprovalStep, Call, ChangeRequest
from billing.changes.nouns import noun_of
from billing.changes.operations import operation
from billing.changes.refusals import BadInput
from billing.changes.statuses import Status
from billing.control.anchor import installation
from billing.metronome.calls import HttpCall
from billing.metronome.operations.base import States
from billing.users import User

LIFETIME = timedelta(days=14)
"""How long a request may wait for its approvals and its turn."""


def store(
    proposal: Proposal, *, maker: User, reason: str, replaces: ChangeRequest | None, now: datetime
) -> ChangeRequest:
    """Seal a proposal and insert the request with its holds, steps and calls, in the caller's transaction.

    Raises BadInput when the policy looks at a fact that the proposal does not watch; IntegrityError when an
    open request writes to the same thing. The caller records it.
    """
    needed = policy.requirement(proposal.kind, proposal.facts)
    if missing := needed.watched - _told_fields(proposal):
        raise BadInput(
            f"The policy looks at {', '.join(sorted(missing))}, which this request does not watch."
        )
    anchor, identity, reference = installation(), uuid.uuid4(), _next_reference()
    calls = [_sealed_call(planned) for planned in proposal.calls]
    content = {
        "version": sealed.VERSION,
        "installation": str(anchor.uuid),
        "environment": anchor.environment,
        "reference": reference,
        "uuid": str(identity),
        "kind": proposal.kind,
        "makers": [
            {
                "id": maker.pk,
                "username": maker.username,
                "name": maker.name,
                "role": maker.role,
                "how": "wrote",
            }
        ],
        "via": "page",
        "reason": reason,
        "sentence": proposal.sentence,
        "subject": {"customer_id": proposal.customer_id, "text": proposal.subject_text},
        "holds": [each.as_json() for each in sorted(proposal.holds)],
        "before": proposal.before,
        "sets": _sets(proposal),
        "watched": proposal.watched,
        "facts": proposal.facts,
        "warnings": [warning.as_json() for warning in proposal.warnings],
        "blast": list(proposal.blast),
        "effects": [effect.as_json() for effect in proposal.effects],
        "form": proposal.form,
        "calls": calls,
        "steps": [{"role": role, "people": people, "may_be_broken_by": []} for role, people in needed.steps],
        "second_keys": [],
        "policy": {
            "version": needed.version,
            "rules": list(needed.rules),
            "typed_confirmation": needed.typed_confirmation,
        },
        "cool_off_seconds": needed.cool_off_seconds,
        "not_before": None,
        "run": None,
        "submitted_at": now.isoformat(),
        "expires_at": (now + LIFETIME).isoformat(),
        "replaces": replaces.reference if replaces else None,
    }
    text = sealed.canonical(content)
    change = ChangeRequest.objects.create(
        uuid=identity,
        reference=reference,
        environment=anchor.environment,
        kind=proposal.kind,
        maker=maker,
        customer_id=proposal.customer_id,
        subject_text=proposal.subject_text,
        sentence=proposal.sentence,
        irreversible=proposal.irreversible,
        sealed=text,
        digest=sealed.digest_of(text),
        replaces=replaces,
        submitted_at=now,
        expires_at=now + LIFETIME,
        cool_off_seconds=needed.cool_off_seconds,
    )
    holds.keep(change, proposal.holds)
    ApprovalStep.objects.bulk_create(
        ApprovalStep(change=change, position=position, role=role, people=people)
        for position, (role, people) in enumerate(needed.steps)
    )
    Call.objects.bulk_create(
        Call(change=change, position=position, operation=call["operation"], key=call["key"])
        for position, call in enumerate(calls, 1)
    )
    return change


def shown_calls(proposal: Proposal) -> list[HttpCall]:
    """What would be sent, in order."""
    return [operation(planned.operation).show(planned.params) for planned in proposal.calls]


def submitted_facts(change: ChangeRequest) -> dict[str, Any]:
    """What the audit row of a submit says beside its subject."""
    steps = [{"role": step.role, "people": step.people} for step in change.steps.all()]
    return {"status": Status.SUBMITTED.value, "kind": change.kind, "steps": steps}


def _left(proposal: Proposal, states: States) -> States:
    """The states as the calls leave them."""
    for position, planned in enumerate(proposal.calls, 1):
        states = sealed.named(operation(planned.operation).after(states, planned.params), position)
    return states


def _sets(proposal: Proposal) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Thing → field → what is added to that set, and what is removed from it."""
    changed: dict[str, dict[str, dict[str, list[str]]]] = {}
    for of, after in _left(proposal, proposal.before).items():
        for name in (
            field.name for field in noun_of(of).fields if field.look == "set" and field.name in after
        ):
            items, old = after[name], proposal.before.get(of, {}).get(name, [])
            if items != old:
                added, removed = sorted(set(items) - set(old)), sorted(set(old) - set(items))
                changed.setdefault(of, {})[name] = {"added": added, "removed": removed}
    return changed


def _told_fields(proposal: Proposal) -> set[str]:
    """What is watched, and what the calls themselves bring into being: neither changes unseen."""
    new = [fields for of, fields in _left(proposal, {}).items() if of not in proposal.before]
    return {name for fields in (*proposal.watched.values(), *new) for name in fields}


def _sealed_call(planned: Planned) -> dict[str, Any]:
    writer, key = operation(planned.operation), uuid.uuid4()
    params = writer.keyed(planned.params, key)
    shown = writer.show(params)
    return {
        "operation": planned.operation,
        "params": writer.write(params),
        "guards": [guard.as_json() for guard in planned.guards],
        "method": shown.method,
        "path": shown.path,
        "body": shown.body,
        "key": str(key),
    }


def _next_reference() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('billing_change_number')")
        return f"CR-{cursor.fetchone()[0]:06d}"
