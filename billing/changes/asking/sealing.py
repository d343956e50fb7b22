"""Turning a proposal into the rows of a new change request, sealed at one instant."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from billing.changes import sealed
from billing.changes.asking import policy
from billing.changes.asking.proposal import Proposal
from billing.changes.models import ApprovalStep, Call, ChangeRequest, Subject
from billing.changes.refusals import BadInput
from billing.changes.statuses import Status
from billing.control.anchor import installation
from billing.metronome.operations import operation
from billing.users import User

LIFETIME = timedelta(days=14)
"""How long a request may wait for its approvals and its turn."""


def store(
    proposal: Proposal, *, maker: User, reason: str, replaces: ChangeRequest | None, now: datetime
) -> ChangeRequest:
    """Seal a proposal and insert the request with its subjects, steps and calls, in the caller's transaction.

    Raises BadInput when the policy looks at a fact that the proposal does not watch; IntegrityError when an
    open request writes to the same thing. The caller records it.
    """
    needed = policy.requirement(proposal.kind, proposal.facts)
    if missing := needed.watched - set(proposal.watched):
        raise BadInput(
            f"The policy looks at {', '.join(sorted(missing))}, which this request does not watch."
        )
    anchor, identity, reference = installation(), uuid.uuid4(), _next_reference()
    calls = [_sealed_call(name, params) for name, params in proposal.calls]
    content = {
        "version": sealed.VERSION,
        "installation": str(anchor.uuid),
        "environment": anchor.environment,
        "reference": reference,
        "uuid": str(identity),
        "kind": proposal.kind,
        "maker": {"id": maker.pk, "username": maker.username, "name": maker.name, "role": maker.role},
        "reason": reason,
        "sentence": proposal.sentence,
        "subject": {"customer_id": proposal.customer_id, "text": proposal.subject_text},
        "subjects": sorted(proposal.subjects),
        "before": proposal.before,
        "watched": proposal.watched,
        "added_aliases": sorted(proposal.added_aliases),
        "removed_aliases": sorted(proposal.removed_aliases),
        "facts": proposal.facts,
        "warnings": [warning.as_json() for warning in proposal.warnings],
        "blast": list(proposal.blast),
        "form": proposal.form,
        "calls": calls,
        "steps": [{"role": role, "people": people} for role, people in needed.steps],
        "policy": {
            "version": needed.version,
            "rules": list(needed.rules),
            "typed_confirmation": needed.typed_confirmation,
        },
        "cool_off_seconds": needed.cool_off_seconds,
        "not_before": None,
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
    Subject.objects.bulk_create(Subject(change=change, key=key) for key in sorted(proposal.subjects))
    ApprovalStep.objects.bulk_create(
        ApprovalStep(change=change, position=position, role=role, people=people)
        for position, (role, people) in enumerate(needed.steps)
    )
    Call.objects.bulk_create(
        Call(change=change, position=position, operation=call["operation"], key=call["key"])
        for position, call in enumerate(calls)
    )
    return change


def submitted_facts(change: ChangeRequest) -> dict[str, Any]:
    """What the audit row of a submit says beside its subject."""
    steps = [{"role": step.role, "people": step.people} for step in change.steps.all()]
    return {"status": Status.SUBMITTED.value, "kind": change.kind, "steps": steps}


def _sealed_call(name: str, given: dict[str, Any]) -> dict[str, Any]:
    writer = operation(name)
    params = writer.read(given)
    shown = writer.show(params)
    return {
        "operation": name,
        "params": writer.write(params),
        "method": shown.method,
        "path": shown.path,
        "body": shown.body,
        "key": str(uuid.uuid4()),
    }


def _next_reference() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('billing_change_number')")
        return f"CR-{cursor.fetchone()[0]:06d}"
