"""`manage.py apply_changes`: one sweep by hand, as the worker does it every few seconds."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max

from billing.audit.models import AuditEvent
from billing.changes.applying.sweeping import sweep
from billing.control import freezing
from billing.control.anchor import AnchorMismatch
from billing.mirror.connection import open_gateway


class Command(BaseCommand):
    """Tells from the record what happened to each request meanwhile, so also what a worker did beside it."""

    help = "Carry every approved, doubtful or expired change request on as far as it goes now."

    def handle(self, *args: Any, **options: Any) -> None:
        newest = AuditEvent.objects.aggregate(newest=Max("id"))["newest"] or 0
        try:
            with open_gateway() as gateway:
                touched = sweep(gateway)
        except (ImproperlyConfigured, AnchorMismatch) as problem:
            raise CommandError(str(problem)) from problem
        for event in AuditEvent.objects.filter(id__gt=newest).exclude(reference="").order_by("id"):
            self.stdout.write(
                f"{event.reference}  {event.get_event_type_display()}  {event.subject_text}".rstrip()
            )
        self.stdout.write(
            "1 request was looked at." if touched == 1 else f"{touched} requests were looked at."
        )
        frozen = freezing.state()
        if frozen.frozen:
            self.stdout.write(f"Applying is frozen: {frozen.reason}")
