"""The sealed calls of a request, each sending of them, and each look at what became of one."""

from __future__ import annotations

from django.db import models
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from billing.changes.models.requests import ChangeRequest


class CallStatus(models.TextChoices):
    """Where one sealed call stands."""

    WAITING = "waiting", "Not sent yet"
    SENT = "sent", "Being sent"
    APPLIED = "applied", "Applied"
    REFUSED = "refused", "Refused by Metronome"
    UNKNOWN = "unknown", "Outcome unknown"


class AttemptOutcome(models.TextChoices):
    """How one sending ended, told from the raw answer."""

    APPLIED = "applied", "Applied"
    NOT_SENT = "not_sent", "Not sent"
    REFUSED = "refused", "Refused by Metronome"
    HALTED = "halted", "Turned away"
    UNKNOWN = "unknown", "No trustworthy answer"


class Call(models.Model):
    """One sealed call. `key` with `generation` is its idempotency key: a new one for each new effect."""

    change = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="calls")
    position = models.SmallIntegerField()
    operation = models.CharField(max_length=60)
    key = models.UUIDField(unique=True)
    status = models.CharField(max_length=10, choices=CallStatus, default=CallStatus.WAITING)
    generation = models.SmallIntegerField(default=1)
    result = models.JSONField(null=True)
    finding = models.TextField(blank=True)
    first_sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["change", "position"], name="a_call_has_one_position"),
            models.CheckConstraint(
                name="call_status_is_known", condition=models.Q(status__in=CallStatus.values)
            ),
        ]
        indexes = [
            models.Index(
                KT("result__id"),
                condition=models.Q(operation="customers.create"),
                name="call_by_made_customer",
            )
        ]

    def __str__(self) -> str:
        return f"{self.operation} #{self.position}"


class Attempt(models.Model):
    """One sending of one call, journalled before a byte leaves. `outcome` null means no answer was filed.

    request: `{method, path, body}` as sent where ids of earlier calls were filled in; null: just as sealed.
    """

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="attempts")
    number = models.SmallIntegerField()
    generation = models.SmallIntegerField()
    reference = models.CharField(max_length=40, unique=True)
    claim_token = models.UUIDField()
    sent_at = models.DateTimeField()
    request = models.JSONField(null=True)
    outcome = models.CharField(max_length=10, choices=AttemptOutcome, null=True)  # noqa: DJ001 null is "none yet"
    answered_at = models.DateTimeField(null=True)
    arrived_late = models.BooleanField(default=False)
    message = models.TextField(blank=True)
    evidence = models.JSONField(null=True)

    class Meta:
        app_label = "billing"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["call", "number"], name="an_attempt_has_one_number")]

    def __str__(self) -> str:
        return self.reference


class Upshot(models.Model):
    """What a request came to, as read once it was applied: how much was compared, and what differed.

    misses: the first of them as sentences. Written once, never changed.
    """

    change = models.OneToOneField(ChangeRequest, on_delete=models.PROTECT, related_name="upshot")
    looked_at = models.DateTimeField(db_default=Now())
    compared = models.SmallIntegerField()
    missed = models.SmallIntegerField()
    misses = models.JSONField(default=list)

    class Meta:
        app_label = "billing"
        constraints = [
            models.CheckConstraint(
                name="no_more_differs_than_was_compared",
                condition=models.Q(missed__gte=0, missed__lte=models.F("compared")),
            )
        ]
        indexes = [
            models.Index(fields=["-looked_at"], condition=models.Q(missed__gt=0), name="upshots_that_differ")
        ]

    def __str__(self) -> str:
        return f"{self.missed} of {self.compared} differ"


class Lookup(models.Model):
    """One look at Metronome after an unclear write: what was read and what it proves."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="lookups")
    looked_at = models.DateTimeField()
    verdict = models.CharField(max_length=20)
    counts = models.BooleanField(default=False)
    sentence = models.TextField()
    evidence = models.JSONField(default=list)

    class Meta:
        app_label = "billing"
        ordering = ["looked_at", "id"]

    def __str__(self) -> str:
        return f"{self.verdict} at {self.looked_at:%H:%M:%S}"
