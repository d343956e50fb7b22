"""How a request stands, at a glance: what an open page asks every two seconds. Nothing sealed is read."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import NamedTuple

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Length

from billing.audit.models import AuditEvent
from billing.changes.holds import busy_elsewhere
from billing.changes.models import ChangeRequest
from billing.changes.statuses import OPEN, Status
from billing.lists.prepared import Question

ANY_REFERENCE = "CR-any"


class Glance(NamedTuple):
    """Where a request stands. `latest` is its newest audit event, `holder` what it would wait for."""

    status: str
    checked_at: datetime | None
    check_asked_at: datetime | None
    explained: int
    check_failed: int
    latest: int | None
    holder: str | None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def mark(self, *, awaits: int = 0) -> str:
        """Differs whenever the moving part of the request's page would read differently."""
        instants = (self.checked_at, self.check_asked_at)
        checked = ".".join(f"{at.timestamp():.3f}" if at else "" for at in instants)
        told = f"{self.explained}.{self.check_failed}"
        waits_for = self.holder or "" if self.status == Status.APPROVED else ""
        return f"{self.status}.{self.latest}.{checked}.{told}.{waits_for}.{awaits:d}"


def glance(reference: str) -> Glance | None:
    """How the request of this reference stands now; None for none."""
    found = _question().rows(reference=reference)
    return Glance(*found[0]) if found else None


@cache
def _question() -> Question:
    events = AuditEvent.objects.filter(reference=OuterRef("reference")).order_by("-pk")
    rows = ChangeRequest.objects.filter(reference=ANY_REFERENCE).values_list(
        "status",
        "checked_at",
        "check_asked_at",
        Length("explanation"),
        Length("check_error"),
        Subquery(events.values("pk")[:1]),
        Subquery(busy_elsewhere().order_by("owner").values("change__reference")[:1]),
    )
    return Question(rows, reference=ANY_REFERENCE)
