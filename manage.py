#!/usr/bin/env python3
"""Django's command line for Countersign."""

import os
import sys

BESIDE_A_DEMO = "Beside a running demo: make manage ARGS='…'"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adminsite.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as missing:
        raise SystemExit(
            f"{missing.name} is not installed in {sys.executable}. `make demo` or `make test` sets up .venv; "
            "then run .venv/bin/python manage.py."
        ) from None
    from django.core.exceptions import ImproperlyConfigured
    from django.db.utils import OperationalError
    from redis import RedisError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        raise SystemExit(f"{problem}\n.env.example names every setting. {BESIDE_A_DEMO}") from None
    except OperationalError as problem:
        raise SystemExit(f"PostgreSQL does not answer: {first_line(problem)}\n{BESIDE_A_DEMO}") from None
    except RedisError as problem:
        raise SystemExit(f"Redis does not answer: {first_line(problem)}\n{BESIDE_A_DEMO}") from None


def first_line(problem: Exception) -> str:
    """What went wrong, in one line."""
    return next(iter(str(problem).splitlines()), type(problem).__name__)


if __name__ == "__main__":
    main()
