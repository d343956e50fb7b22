"""DATABASE_URL as Django wants it."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from adminsite.environment import env_url

PREPARES = 5
"""With any number a cursor prepares what it is told to (billing/lists/prepared.py); Django's None forbids it.
Django's own cursors put their parameters in on this side and prepare nothing either way."""


def read_database(process: str, *, pool_size: int) -> dict[str, Any]:
    """Return Django's entry for the database that DATABASE_URL names; PostgreSQL is the only kind.

    pool_size: connections that this process keeps at most; 0 opens one per thread and no pool.
    Parameters after `?` go to libpq as they are (sslmode=verify-full).
    """
    url = urlsplit(env_url("DATABASE_URL", ("postgresql", "postgres"), secret=True))
    name = unquote(url.path.lstrip("/"))
    if not name or "/" in name:
        raise ImproperlyConfigured(
            "DATABASE_URL doesn't name a database: postgresql://user:password@host/name."
        )
    options: dict[str, Any] = dict(parse_qsl(url.query))
    options.setdefault("application_name", f"countersign-{process}")
    options.setdefault("connect_timeout", "5")
    options["prepare_threshold"] = PREPARES
    if pool_size:
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 5}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }
