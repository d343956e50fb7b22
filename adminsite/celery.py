"""The Celery application. Three workers with threads of their own, so that no work waits behind another kind.

Each hears its queues in turn: worker-changes `changes` (approved requests to apply) and `sweeps`;
worker-checks `checks` (checks and surveys that pages ask for) and `doubts` (look-ups after silence);
worker-refresh `refresh`, the mirror, and `notices`, what people are told and mailed.
"""

import os
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from celery.signals import heartbeat_sent, task_success

from billing.control.alive import Pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adminsite.settings")

app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

pulse = Pulse(os.environ.get("HEARTBEAT_FILE"))


@heartbeat_sent.connect
def _worker_turns(**_facts: Any) -> None:
    pulse.touch()


@task_success.connect
def _something_finished(**_facts: Any) -> None:
    pulse.show()


class Scheduler(PersistentScheduler):
    """Celery's own scheduler that also shows that it turns."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        pulse.show()
        return super().tick(*args, **kwargs)
