"""What people say of a request, who has to, and what was read for one who asks."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from billing.changes.models.requests import ChangeRequest
from billing.roles import Role


class Verdict(models.TextChoices):
    """What a checker says."""

    APPROVE = "approve", "Approve"
    REJECT = "reject", "Reject"
    TAKE_BACK = "take_back", "Take back"


SAYS = (Verdict.APPROVE, Verdict.REJECT)
"""What may be said of what waits for a verdict."""


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


def last_words() -> models.Q:
    """Of what each person said about a request, the last: it alone counts."""
    same = {name: models.OuterRef(name) for name in ("change", "checker")}
    return models.Q(~models.Exists(Decision.objects.filter(**same, number__gt=models.OuterRef("number"))))


def counting_approvals() -> models.Q:
    """Approvals that count: the last word of people who are active and still have the role of their step.

    The database repeats this rule (migrations 0008 and 0034).
    """
    return last_words() & models.Q(
        verdict=Verdict.APPROVE, checker__is_active=True, checker__role=models.F("step__role")
    )


class Decision(models.Model):
    """One person's verdict on one request, with the digest they judged. Never changed, never deleted.

    `(change, maker)` refers to the request's own pair by a composite key, so that `checker <> maker` can be
    a constraint. A request numbers its decisions from 1, and a person's last counts: who has approved may
    take that back while it waits, and decide again (migration 0034 holds both).
    """

    change = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="decisions")
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    step = models.ForeignKey(ApprovalStep, on_delete=models.PROTECT, related_name="decisions")
    checker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    number = models.SmallIntegerField()
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "billing"
        ordering = ["change", "number"]
        constraints = [
            models.UniqueConstraint(fields=["change", "number"], name="a_request_numbers_its_decisions"),
            models.CheckConstraint(
                name="a_maker_never_decides", condition=~models.Q(checker=models.F("maker"))
            ),
            models.CheckConstraint(name="verdict_is_known", condition=models.Q(verdict__in=Verdict.values)),
            models.CheckConstraint(
                name="a_rejection_has_a_reason",
                condition=models.Q(verdict=Verdict.APPROVE) | ~models.Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(fields=["-decided_at", "-id"], name="decisions_newest_first"),
            models.Index(fields=["change", "checker", "-number"], name="decisions_last_words"),
        ]

    def __str__(self) -> str:
        return f"{self.checker} {self.verdict}"

    def why_it_does_not_count(self) -> str:
        """Why an approval counts no more, as the end of a sentence about its giver; empty when it does."""
        if not self.checker.is_active:
            return "is not active any more"
        if self.checker.role != self.step.role:
            return f"is no {self.step.role} any more"
        return ""


class Word(models.TextChoices):
    """What a person says of what the worker could not settle."""

    TOOK_EFFECT = "took_effect", "It took effect"
    TRY_AGAIN = "try_again", "Try again"
    GO_ON = "go_on", "Go on with the remaining calls"
    UNDO = "undo", "Undo what was applied"
    LEAVE_IT = "leave_it", "Leave it so"


def agreed_words() -> models.Q:
    """Words that nobody else has to agree to, or somebody else did."""
    return models.Q(needs_second=False) | models.Q(seconded_by__isnull=False)


SENDS_AGAIN = (Word.TRY_AGAIN, Word.GO_ON)
"""Words that ask for what did not take effect once more."""


class Resolution(models.Model):
    """A person's word on a request that the worker could not settle. Some need a second person.

    made_id: what the call made, by the word of whoever says that it took effect; a worker asks Metronome.
    carried_out_at: when it stopped waiting, which is also when a second person disagreed, and why.
    """

    change = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="resolutions")
    verdict = models.CharField(max_length=20, choices=Word)
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
    disagreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    disagreement = models.TextField(blank=True, default="", db_default="")

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
            models.CheckConstraint(
                name="who_disagrees_is_another_and_says_why",
                condition=models.Q(disagreed_by__isnull=True, disagreement="")
                | (
                    models.Q(
                        disagreed_by__isnull=False,
                        seconded_by__isnull=True,
                        carried_out_at__isnull=False,
                        needs_second=True,
                    )
                    & ~models.Q(disagreed_by=models.F("by"))
                    & ~models.Q(disagreement="")
                ),
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
