"""The Celery application. Queue `changes` applies approved requests, queue `refresh` fills the mirror."""

import os
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from celery.signals import heartbeat_sent

from billing.control.alive import Pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adminsite.settings")

app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

pulse = Pulse(os.environ.get("HEARTBEAT_FILE"))


@heartbeat_sent.connect
def _worker_is_alive(**_facts: Any) -> None:
    pulse.show()


class Scheduler(PersistentScheduler):
    """Celery's own scheduler that also shows that it turns."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        pulse.show()
        return super().tick(*args, **kwargs)
