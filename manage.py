#!/usr/bin/env python3
"""Django's command line for Countersign."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adminsite.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as missing:
        raise SystemExit(
            f"{missing.name} is not installed in {sys.executable}. `make demo` or `make test` sets up .venv; "
            "then run .venv/bin/python manage.py."
        ) from None
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
