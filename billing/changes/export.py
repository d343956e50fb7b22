"""Change requests as CSV: complete, by the inbox's own view and filter, and an event of the record."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import Expression, F, Func, JSONField, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Concat

from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.audit.taking import Taking, take
from billing.changes.models import Call, ChangeRequest, Decision, Verdict, last_words
from billing.changes.nouns import NOUNS
from billing.lists.csv import as_utc

NONE = Value("[]", output_field=TextField())
SUBJECT = Concat(
    Value("customer:"),
    Coalesce(Cast("customer_id", TextField()), Value("@1", output_field=TextField())),
    output_field=TextField(),
)
"""The customer that a request is about, as its sealed states name it."""


class Sealed(Func):
    """A value in the sealed text, as text, by its path in it. Empty when the text is none of ours."""

    function = "json_extract_path_text"
    output_field = TextField()

    def __init__(self, *path: str | Expression) -> None:
        text = Func(
            F("sealed"), template="CASE WHEN %(expressions)s IS JSON OBJECT THEN (%(expressions)s)::json END"
        )
        super().__init__(text, *(Value(name) if isinstance(name, str) else name for name in path))


def requests_csv(rows: QuerySet[ChangeRequest], actor: Actor, filters: dict[str, Any]) -> Taking:
    """The requests of a list in its order; recorded as `take` says."""
    return take(Event.LIST_EXPORTED, actor, "Requests", filters, rows.select_related(None), _columns())


def _columns() -> dict[str, str | Expression]:
    """What stands at one place of arrays of one sort is of one decision; one rejection at most.

    An approval that was taken back is among those alone, unless its giver approved again.
    """
    return {
        "reference": "reference",
        "kind": "kind",
        "status": "status",
        "sentence": "sentence",
        "subject": "subject_text",
        "customer_id": Coalesce(Cast("customer_id", TextField()), _made()),
        "old_name": Sealed("before", SUBJECT, "name"),
        "new_name": Sealed("calls", "0", "params", "name"),
        **_sets(),
        "maker": "maker__name",
        "maker_username": "maker__username",
        "reason": Sealed("reason"),
        "submitted_at": as_utc("submitted_at"),
        "approvers": _approvals(F("checker__name")),
        "approver_usernames": _approvals(F("checker__username")),
        "approved_at": _approvals(as_utc("decided_at")),
        "approval_reasons": _approvals(F("reason")),
        "taken_back_by": _taken_back(F("checker__name")),
        "taken_back_by_usernames": _taken_back(F("checker__username")),
        "taken_back_at": _taken_back(as_utc("decided_at")),
        "taken_back_reasons": _taken_back(F("reason")),
        "rejecter": _rejection(F("checker__name")),
        "rejecter_username": _rejection(F("checker__username")),
        "rejected_at": _rejection(as_utc("decided_at")),
        "rejection_reason": _rejection(F("reason")),
        "expires_at": as_utc("expires_at"),
        "settled_at": as_utc("settled_at"),
        "explanation": "explanation",
        "digest": "digest",
    }


def _sets() -> dict[str, Expression]:
    """What was added to and removed from each set that a request may write, by the set's group."""
    fields = [field for field in NOUNS["customer"].fields if field.look == "set" and field.group]
    return {
        f"{which}_{field.group}": _items(field.name, which)
        for field in fields
        for which in ("added", "removed")
    }


def _items(name: str, which: str) -> Expression:
    """A sealed set as a JSON array, spaced as every list in a cell of ours is."""
    sealed = Cast(Sealed("sets", SUBJECT, name, which), JSONField())
    return Coalesce(Cast(sealed, TextField()), NONE)


def _made() -> Subquery:
    """The customer that its first call has made by now."""
    made = Call.objects.filter(change=OuterRef("pk"), operation="customers.create")
    return Subquery(made.values(made_id=KT("result__id"))[:1], output_field=TextField())


def _approvals(fact: Expression | F) -> Expression:
    """A JSON array, one item an approval that was not taken back, in their order."""
    return _listed(
        Decision.objects.filter(last_words(), change=OuterRef("pk"), verdict=Verdict.APPROVE), fact
    )


def _taken_back(fact: Expression | F) -> Expression:
    """A JSON array, one item each time that an approval was taken back."""
    return _listed(Decision.objects.filter(change=OuterRef("pk"), verdict=Verdict.TAKE_BACK), fact)


def _listed(given: QuerySet[Decision], fact: Expression | F) -> Expression:
    listed = Cast(JSONBAgg(fact, order_by=["number"]), TextField())
    texts = given.order_by().values("change").annotate(text=listed).values("text")
    return Coalesce(Subquery(texts, output_field=TextField()), NONE)


def _rejection(fact: Expression | F) -> Expression:
    said = Decision.objects.filter(change=OuterRef("pk"), verdict=Verdict.REJECT)
    texts = said.annotate(text=Cast(fact, TextField())).values("text")
    return Subquery(texts[:1], output_field=TextField())
