"""A change request and everything that hangs on it, each fact in a row of its own.

PostgreSQL holds the promises again (migrations 0002 and 0003): what was sealed never changes, decisions
and attempts are never deleted, and `approved` is refused until every step has its people.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from billing import clock
from billing.changes.statuses import MARKS, OPEN, PROPOSE_AGAIN, SETTLED, TONES, Status
from billing.roles import Role


class Verdict(models.TextChoices):
    """What a checker says."""

    APPROVE = "approve", "Approve"
    REJECT = "reject", "Reject"


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


class ApprovalStep(models.Model):
    """Who has to agree, copied from the policy at submit: `people` different people of `role`."""

    change = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="steps")
    position = models.SmallIntegerField()
    role = models.CharField(max_length=20, choices=Role)
    people = models.SmallIntegerField()

    class Meta:
        app_label = "billing"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["change", "position"], name="a_step_has_one_position"),
            models.CheckConstraint(
                name="a_step_asks_for_people", condition=models.Q(people__gte=1, people__lte=5)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.people} × {self.role}"


def counting_approvals(prefix: str = "") -> models.Q:
    """Approvals that count: of people who are active and still have the role of the step they filled.

    `prefix` leads to the decisions, such as `decisions__`. The database repeats this rule (migration 0008).
    """
    return models.Q(
        **{
            f"{prefix}verdict": Verdict.APPROVE,
            f"{prefix}checker__is_active": True,
            f"{prefix}checker__role": models.F(f"{prefix}step__role"),
        }
    )


class Decision(models.Model):
    """One person's verdict on one request, with the digest they judged. Never changed, never deleted.

    `(change, maker)` refers to the request's own pair by a composite key, so that `checker <> maker` can be
    a constraint; one person decides once per request.
    """

    change = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="decisions")
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    step = models.ForeignKey(ApprovalStep, on_delete=models.PROTECT, related_name="decisions")
    checker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "billing"
        ordering = ["decided_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["change", "checker"], name="one_decision_per_person"),
            models.CheckConstraint(
                name="a_maker_never_decides", condition=~models.Q(checker=models.F("maker"))
            ),
            models.CheckConstraint(name="verdict_is_known", condition=models.Q(verdict__in=Verdict.values)),
            models.CheckConstraint(
                name="a_rejection_has_a_reason",
                condition=models.Q(verdict=Verdict.APPROVE) | ~models.Q(reason=""),
            ),
        ]
        indexes = [models.Index(fields=["-decided_at", "-id"], name="decisions_newest_first")]

    def __str__(self) -> str:
        return f"{self.checker} {self.verdict}"

    def why_it_does_not_count(self) -> str:
        """Why an approval counts no more while others are awaited, in words; empty when it does."""
        if not self.checker.is_active:
            return "approved, but the account is not active any more: somebody else has to agree"
        if self.checker.role != self.step.role:
            return f"approved, but is no {self.step.role} any more: somebody else has to agree"
        return ""


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


class Resolution(models.Model):
    """A person's word on a request that the worker could not settle. Some need a second person.

    made_id: what the call made, by the word of whoever says that it took effect; a worker asks Metronome.
    """

    class Verdict(models.TextChoices):
        TOOK_EFFECT = "took_effect", "It took effect"
        TRY_AGAIN = "try_again", "Try again"
        GO_ON = "go_on", "Go on with the remaining calls"
        UNDO = "undo", "Undo what was applied"
        LEAVE_IT = "leave_it", "Leave it so"

    change = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="resolutions")
    verdict = models.CharField(max_length=20, choices=Verdict)
    reason = models.TextField()
    made_id = models.UUIDField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    needs_second = models.BooleanField(default=False)
    seconded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    seconded_at = models.DateTimeField(null=True)
    carried_out_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(name="a_resolution_has_a_reason", condition=~models.Q(reason="")),
            models.CheckConstraint(
                name="only_an_effect_made_something",
                condition=models.Q(made_id__isnull=True) | models.Q(verdict="took_effect"),
            ),
            models.CheckConstraint(
                name="a_second_person_is_another",
                condition=models.Q(seconded_by__isnull=True) | ~models.Q(seconded_by=models.F("by")),
            ),
            models.UniqueConstraint(
                fields=["change"],
                condition=models.Q(carried_out_at__isnull=True),
                name="one_waiting_resolution_per_request",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.by}"


class PolicyVersion(models.Model):
    """One version of the approval policy. The highest number is in force; none is ever changed."""

    version = models.IntegerField(unique=True)
    rules = models.JSONField()
    installed_at = models.DateTimeField(db_default=Now())
    installed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        app_label = "billing"
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"policy version {self.version}"


class Survey(models.Model):
    """What a worker read about a customer before a grave proposal may even be written (archiving)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    customer_id = models.UUIDField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True)
    content = models.JSONField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["customer_id", "-asked_at"], name="surveys_newest_first")]

    def __str__(self) -> str:
        return f"survey of {self.customer_id}"
