"""Two questions that a supervisor asks: is the process alive, and can it serve?"""

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis, RedisError

logger = logging.getLogger(__name__)


@login_not_required
@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process turns; asks nobody else."""
    return JsonResponse({"status": "alive"})


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and is migrated, else 503. Redis away is told but no reason to
    refuse: pages don't wait for it, and the sweep catches up."""
    database = _database_state()
    ready = database == "ready"
    return JsonResponse(
        {"status": "ready" if ready else "not ready", "database": database, "redis": _redis_state()},
        status=200 if ready else 503,
    )


def _database_state() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (Error, ImproperlyConfigured) as problem:
        logger.warning("readyz: the database doesn't answer: %s", problem)
        return "away"
    return "not migrated" if waiting else "ready"


def _redis_state() -> str:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=0.3, socket_connect_timeout=0.3) as redis:
            redis.ping()
    except RedisError as problem:
        logger.warning("readyz: Redis doesn't answer: %s", problem)
        return "away"
    return "ready"
