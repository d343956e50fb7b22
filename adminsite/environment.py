"""Strict readers of environment variables: each answers a clean value or names the variable that is wrong.

A variable that is missing or empty takes the default; without a default it is an error. Values are never
quoted in an error when they may be secret.
"""

import math
import os
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


Number = TypeVar("Number", int, float)


class Required:
    """Marks a variable without a default: reading it raises when it is missing or empty."""


REQUIRED = Required()


def env_text(name: str, default: str | Required = REQUIRED) -> str:
    """Return the variable without surrounding white space; empty counts as missing."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if isinstance(default, Required):
        raise ImproperlyConfigured(f"{name} is not set, and this process needs it (see .env.example).")
    return default


def env_secret(name: str, default: str | Required = REQUIRED) -> str:
    """Return the variable, or the content of the file that NAME_FILE points at; both at once is an error."""
    file_name = os.environ.get(f"{name}_FILE", "").strip()
    if not file_name:
        return env_text(name, default)
    if os.environ.get(name, "").strip():
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    try:
        value = Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise ImproperlyConfigured(f"{name}_FILE names a file that can't be read: {problem}.") from None
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE names an empty file: {file_name}.")
    return value


def env_bool(name: str, default: bool) -> bool:
    """Return true for 1, true, yes, on; false for 0, false, no, off; in any case."""
    value = env_text(name, "").lower()
    if not value:
        return default
    if value in TRUE_WORDS:
        return True
    if value in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def env_int(name: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number between least and most, both included."""
    value = env_text(name, "")
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    return _within(name, number, least, most)


def env_float(name: str, default: float, *, least: float, most: float) -> float:
    """Return a finite number between least and most, both included."""
    value = env_text(name, "")
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}.")
    return _within(name, number, least, most)


def env_choice(name: str, choices: tuple[str, ...], default: str | Required = REQUIRED) -> str:
    """Return one of the words in choices, exactly as spelled there."""
    value = env_text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def env_list(name: str, default: str | Required = REQUIRED) -> list[str]:
    """Return the parts between commas, trimmed; an empty part is an error."""
    value = env_text(name, default)
    parts = [part.strip() for part in value.split(",")] if value else []
    if not all(parts):
        raise ImproperlyConfigured(f"{name} has an empty part between its commas: {value!r}.")
    return parts


def env_url(
    name: str, schemes: tuple[str, ...], default: str | Required = REQUIRED, *, secret: bool = False
) -> str:
    """Return a URL with one of the schemes and a host; the trailing slash goes.

    secret: the URL may carry a password, so NAME_FILE is read too and errors don't quote it.
    """
    value = env_secret(name, default) if secret else env_text(name, default)
    if not value:
        return value
    shown = "" if secret else f", not {value!r}"
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not a URL{shown}.") from None
    if parts.scheme not in schemes or not host:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must be a URL that starts with {wanted} and names a host{shown}.")
    return value.rstrip("/")


def _within(name: str, number: Number, least: Number, most: Number) -> Number:
    if not least <= number <= most:
        raise ImproperlyConfigured(f"{name} must be between {least} and {most}, not {number}.")
    return number
