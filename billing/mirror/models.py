"""What the mirror last read of Metronome. Only `mirror.refresh` writes these rows; none is ever deleted.

Every row carries `fetched_at`, the start of the request that brought it on the database's clock.
Upstream sets `archived_at`; absence, confirmed by id, sets `missing_since`.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from billing.lists.text import Folded
from billing.metronome.exact import as_json


def folded(column: str) -> models.GeneratedField:
    """A column's folded form, which lists are ordered and searched by."""
    return models.GeneratedField(
        expression=Folded(column), output_field=models.TextField(db_collation="C"), db_persist=True
    )


class RefreshRun(models.Model):
    """One refresh: what was asked, what it spent, how far it is, and where it broke."""

    class Scope(models.TextChoices):
        ACCOUNT = "account", "Whole account"
        CUSTOMER = "customer", "One customer"

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    scope = models.CharField(max_length=10, choices=Scope)
    customer_id = models.UUIDField(null=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    phase = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    asked_as = models.TextField(blank=True, default="", db_default="")
    requests_spent = models.IntegerField(default=0)
    rows_expected = models.IntegerField(null=True)
    rows_read = models.IntegerField(default=0)
    rows_written = models.IntegerField(default=0)
    suspects = models.IntegerField(default=0)
    marked_missing = models.IntegerField(default=0)
    odd = models.JSONField(default=list, db_default=[])
    position = models.TextField(blank=True)
    error = models.TextField(blank=True)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["-started_at"], name="runs_newest_first")]

    def __str__(self) -> str:
        return f"{self.scope} {self.status} {self.started_at:%Y-%m-%d %H:%M}"


class Seen(models.Model):
    """What a refresh under way has met of a noun, so that it knows at its end what it did not meet.

    An unlogged table without an index: a list of ids that is appended to, asked once, and emptied.
    """

    run = models.BigIntegerField()
    noun = models.TextField()
    key = models.TextField(primary_key=True)  # for Django, which needs one; the table holds no such rule

    class Meta:
        app_label = "billing"

    def __str__(self) -> str:
        return f"{self.noun} {self.key}"


class Raw(models.JSONField):
    """Metronome's own JSON. Its numbers come out as they are written: none becomes a float."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "null": True})

    def from_db_value(self, value: str | None, *_more: Any) -> Any:
        return None if value is None else json.loads(value, parse_float=Decimal)

    def deconstruct(self) -> tuple[Any, ...]:
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.JSONField", args, options


class Mirrored(models.Model):
    """A row of the mirror: when it was read, since when it is missing, and Metronome's own JSON of it.

    `raw` is null where it was last read before the mirror kept it.
    """

    raw = Raw()
    fetched_at = models.DateTimeField()
    missing_since = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def raw_text(self) -> str:
        """Metronome's own JSON of it, laid out to be read; empty where it is not kept."""
        return "" if self.raw is None else as_json(self.raw, indent=2, ensure_ascii=False)


class Digest(models.UUIDField):
    """What tells `raw` of one row from every other. Null: it is compared anew by the next refresh."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "null": True})

    def deconstruct(self) -> tuple[Any, ...]:
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.UUIDField", args, options


class Listed(models.Model):
    """A row that each refresh of the account meets in a list: by its digest it knows what has not changed."""

    raw_digest = Digest()

    class Meta:
        abstract = True


class Named(Mirrored):
    """Something of the account's that people choose by its name."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    sort_name = folded("name")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Reading(models.Model):
    """When a customer's list of a noun was last read to its end, and when it is due again. A queue.

    read_at: null means *not read yet*, which is never *none*. due_at: null for one that nobody reads again.
    priority: 0 for what somebody looks at, 1 for live customers, 2 for the others. trouble: why the last try
    failed; empty for none.
    """

    customer = models.ForeignKey("billing.Customer", on_delete=models.PROTECT, related_name="readings")
    noun = models.TextField()
    priority = models.SmallIntegerField()
    due_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    trouble = models.TextField(blank=True, default="")

    class Meta:
        app_label = "billing"
        constraints = [models.UniqueConstraint(fields=["noun", "customer"], name="a_list_is_queued_once")]
        indexes = [
            models.Index(
                fields=["priority", "due_at", "id"],
                condition=models.Q(due_at__isnull=False),
                name="readings_that_are_due",
            ),
            models.Index(
                fields=["noun"], condition=models.Q(read_at__isnull=True), name="readings_not_read_yet"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.noun} of {self.customer_id}"
