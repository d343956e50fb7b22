"""What governs everything: which Metronome account this is, the freeze, and beginnings anew."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Environment(models.TextChoices):
    """Which Metronome this installation talks to; sealed into every request."""

    SIMULATOR = "simulator", "Simulator"
    SANDBOX = "sandbox", "Sandbox"
    PRODUCTION = "production", "Production"


class Installation(models.Model):
    """The account anchor: written at first start, never changed to another environment."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    environment = models.CharField(max_length=12, choices=Environment)
    base_url = models.TextField()
    token_fingerprint = models.CharField(max_length=64, blank=True)
    anchored_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "billing"
        constraints = [models.CheckConstraint(name="installation_is_one_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"{self.environment} {self.uuid}"


class Freeze(models.Model):
    """The one switch that stops every apply. While `frozen`, approved requests wait."""

    class Cause(models.TextChoices):
        PERSON = "person", "An administrator"
        HALT = "halt", "The worker"

    id = models.SmallIntegerField(primary_key=True, default=1)
    frozen = models.BooleanField(default=False)
    cause = models.CharField(max_length=10, choices=Cause, blank=True)
    reason = models.TextField(blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "billing"
        constraints = [
            models.CheckConstraint(name="freeze_is_one_row", condition=models.Q(id=1)),
            models.CheckConstraint(
                name="a_freeze_has_a_reason", condition=models.Q(frozen=False) | ~models.Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return "frozen" if self.frozen else "not frozen"


class NewBeginning(models.Model):
    """Two people's word that what is mirrored is not, or not only, of our account, and is to be read anew."""

    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    seconded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    seconded_at = models.DateTimeField(null=True)
    carried_out_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        constraints = [
            models.CheckConstraint(name="a_new_beginning_has_a_reason", condition=~models.Q(reason="")),
            models.CheckConstraint(
                name="a_new_beginning_takes_two",
                condition=models.Q(seconded_by__isnull=True) | ~models.Q(seconded_by=models.F("by")),
            ),
            models.CheckConstraint(
                name="only_what_two_agreed_to_is_begun",
                condition=models.Q(carried_out_at__isnull=True) | models.Q(seconded_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"asked for by {self.by}"
