"""The Celery application. Queue `changes` applies approved requests, queue `refresh` fills the mirror."""

import os
import time
from pathlib import Path
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from celery.signals import heartbeat_sent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adminsite.settings")

app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def show_life() -> None:
    """Touch HEARTBEAT_FILE, if there is one, so that a health check can see that this process still turns."""
    if file_name := os.environ.get("HEARTBEAT_FILE"):
        Path(file_name).write_text(f"{time.time():.0f}\n", encoding="utf-8")


@heartbeat_sent.connect
def _worker_is_alive(**_facts: Any) -> None:
    show_life()


class Scheduler(PersistentScheduler):
    """Celery's own scheduler that also shows that it turns."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        show_life()
        return super().tick(*args, **kwargs)
