"""A change request and what it holds."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from billing import clock
from billing.changes.statuses import MARKS, OPEN, PROPOSE_AGAIN, SETTLED, TONES, Status


class ChangeRequest(models.Model):
    """One request, sealed as text at submit. Columns repeat it for search only."""

    uuid = models.UUIDField(unique=True)
    reference = models.CharField(max_length=20, unique=True)
    environment = models.CharField(max_length=12)
    kind = models.CharField(max_length=40)
    status = models.CharField(max_length=20, choices=Status, default=Status.SUBMITTED)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests")
    customer_id = models.UUIDField(null=True)
    subject_text = models.TextField()
    sentence = models.TextField()
    irreversible = models.BooleanField(default=False)
    sealed = models.TextField()
    digest = models.CharField(max_length=64)
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    submitted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    cool_off_seconds = models.IntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    explanation = models.TextField(blank=True)
    needs_person = models.BooleanField(default=False)

    checked_at = models.DateTimeField(null=True)
    check_asked_at = models.DateTimeField(null=True)
    check_error = models.TextField(blank=True)

    claim_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        constraints = [
            models.UniqueConstraint(fields=["id", "maker"], name="a_request_has_one_maker"),
            models.CheckConstraint(name="status_is_known", condition=models.Q(status__in=Status.values)),
            models.CheckConstraint(
                name="applying_holds_a_claim",
                condition=~models.Q(status=Status.APPLYING)
                | models.Q(claim_token__isnull=False, lease_until__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-submitted_at"], name="requests_by_status"),
            models.Index(fields=["maker", "-submitted_at"], name="requests_by_maker"),
            models.Index(fields=["customer_id", "-submitted_at"], name="requests_by_customer"),
            models.Index(fields=["-submitted_at", "-id"], name="requests_newest_first"),
            models.Index(
                fields=["submitted_at", "id"],
                condition=models.Q(status__in=sorted(OPEN)),
                name="requests_open_by_age",
            ),
            models.Index(fields=["settled_at", "status"], name="requests_by_settled"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.sentence}"

    @property
    def tone(self) -> str:
        """The colour family of the status on pages."""
        return TONES[Status(self.status)]

    @property
    def mark(self) -> str:
        """The icon of the status on pages."""
        return MARKS[Status(self.status)]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED

    @property
    def is_claimed(self) -> bool:
        """Whether a worker holds it, with a lease that has not run out."""
        return self.status == Status.APPLYING and bool(self.lease_until) and self.lease_until > clock.now()

    @property
    def about_customer(self) -> uuid.UUID | str | None:
        """The customer that it is about, or that its first call has made by now."""
        if self.customer_id or self.pk is None:
            return self.customer_id
        first = self.calls.first()
        return (first.result or {}).get("id") if first else None

    @property
    def can_be_proposed_again(self) -> bool:
        return self.status in PROPOSE_AGAIN


class Hold(models.Model):
    """A part of a thing that a request writes to, kept for it until it is settled (see holds.py).

    owner: whose the thing is: a contract is its customer's, a customer and an alias are their own. group: the
    fields, `*` for all. PostgreSQL refuses an open one that meets another request's (migration 0028).
    is_busy: somebody is at it now, or nobody knows what became of it; one request at a time for each owner.
    """

    change = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="holds")
    owner = models.TextField()
    thing = models.TextField()
    group = models.TextField(db_column="field_group")
    is_open = models.BooleanField(default=True)
    is_busy = models.BooleanField(default=False)

    class Meta:
        app_label = "billing"
        constraints = [
            models.UniqueConstraint(fields=["change", "thing", "group"], name="a_request_holds_a_part_once"),
            models.UniqueConstraint(
                fields=["owner"], condition=models.Q(is_busy=True), name="one_busy_request_per_owner"
            ),
            models.CheckConstraint(
                name="what_is_busy_is_held", condition=models.Q(is_busy=False) | models.Q(is_open=True)
            ),
        ]
        indexes = [models.Index(fields=["owner", "is_open"], name="holds_by_owner")]

    def __str__(self) -> str:
        return f"{self.thing} {self.group}"
