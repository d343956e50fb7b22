"""The record itself. PostgreSQL refuses to change or delete a row (see the migrations)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now

from billing.audit.events import Event
from billing.audit.wording import Words
from billing.lists.text import Folded, RecordWords


class AuditEvent(models.Model):
    """One fact, written in the transaction of the fact it records.

    Actor and subject are kept as text as they were then, so a row still reads true years later.
    The table also carries `xid xid8 default pg_current_xact_id()`, for sealing; Django never writes it.
    """

    occurred_at = models.DateTimeField(db_default=Now())
    event_type = models.CharField(max_length=40, choices=Event)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    actor_text = models.TextField()
    actor_role = models.CharField(max_length=20, blank=True)
    subject_type = models.CharField(max_length=20)
    subject_id = models.TextField()
    subject_text = models.TextField(blank=True)
    customer_id = models.UUIDField(null=True)
    customer_name = models.TextField(blank=True, db_default="")
    reference = models.CharField(max_length=40, blank=True)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    words = models.GeneratedField(
        expression=RecordWords(
            "subject_text", "subject_id", "reason", "actor_text", "reference", "digest", "customer_id"
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        app_label = "billing"
        constraints = [
            models.CheckConstraint(
                name="event_type_is_known", condition=models.Q(event_type__in=Event.values)
            ),
            models.CheckConstraint(name="actor_text_is_given", condition=~models.Q(actor_text="")),
        ]
        indexes = [
            models.Index(fields=["-occurred_at", "-id"], name="audit_newest_first"),
            models.Index(fields=["reference", "id"], name="audit_by_reference"),
            models.Index(fields=["customer_id", "-occurred_at", "-id"], name="audit_by_customer"),
            models.Index(fields=["actor", "-occurred_at", "-id"], name="audit_by_actor"),
            models.Index(fields=["event_type", "-occurred_at", "-id"], name="audit_by_event"),
            models.Index(fields=["actor", "event_type", "-occurred_at", "-id"], name="audit_by_actor_event"),
            models.Index(
                fields=["actor_text", "-occurred_at", "-id"],
                condition=models.Q(actor=None),
                name="audit_by_part",
            ),
            models.Index(
                fields=["actor_text", "event_type", "-occurred_at", "-id"],
                condition=models.Q(actor=None),
                name="audit_by_part_event",
            ),
            models.Index(
                Folded("customer_name"),
                "customer_id",
                condition=models.Q(customer_id__isnull=False),
                name="audit_by_customer_name",
            ),
            GinIndex(fields=["words"], name="audit_by_words", gin_pending_list_limit=256),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.subject_text or self.subject_id}"

    @property
    def event(self) -> Event:
        return Event(self.event_type)

    @property
    def told_as(self) -> Words:
        """The words and look for what happened here."""
        return self.event.words_for(self.new)
