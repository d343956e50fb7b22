"""Lists as files: made whole, then sent with their length: a part of one is never taken for all of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from billing.audit.taking import Taking

LONGEST_FILTER = 62
MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)T00:00:00\+00:00")


def csv_response(
    request: HttpRequest,
    take: Callable[[], Taking],
    name: str,
    narrowed_by: Mapping[str, str],
    *,
    is_partial: bool = False,
) -> StreamingHttpResponse:
    """A CSV download `<name>-<filter>-2026-11-20.csv`.

    `take` makes the file; HEAD takes nothing and calls nothing. Content-Length tells a client that a transfer
    broke off, Countersign-Rows how many rows (without the header) the whole has, and Countersign-Complete: no
    (and `so-far` in the name) that the mirror has not read all of them yet.
    """
    taking = None if request.method == "HEAD" else take()
    response = StreamingHttpResponse(taking or (), content_type="text/csv; charset=utf-8")
    if taking:
        response["Content-Length"], response["Countersign-Rows"] = str(taking.size), str(taking.rows)
    response["Countersign-Complete"] = "no" if is_partial else "yes"
    name = f"{name}-so-far" if is_partial else name
    named = "-".join(filter(None, (name, in_a_name(narrowed_by), f"{timezone.now():%Y-%m-%d}")))
    response["Content-Disposition"] = f'attachment; filename="{named}.csv"'
    return response


def in_a_name(narrowed_by: Mapping[str, str]) -> str:
    """A filter in a file's name: small ASCII letters, digits and hyphens, up to 62 of them and "and-more".

    What can't be said so is left out; of the first filter that is set, at least what it looks at is told.
    No later one is cut: what is too long is left out, and so is all after it.
    """
    named = ""
    for name, value in narrowed_by.items():
        if not value:
            continue
        said = _spelled(*_in_days(name, value))[:LONGEST_FILTER].strip("-")
        if len(f"{named}-{said}") > LONGEST_FILTER and named:
            return f"{named}-and-more"
        named = f"{named}-{said}" if named else said
    return named


def _spelled(*words: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", " ".join(words)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")


def _in_days(name: str, value: str) -> tuple[str, str]:
    """Midnight as its day; as an end it is the day before, through which all is there, as a page says it."""
    if name not in ("since", "until") or not (midnight := MIDNIGHT.fullmatch(value)):
        return name, value
    day = date.fromisoformat(midnight[1])
    if name == "until" and day > date.min:
        return "through", f"{day - timedelta(days=1)}"
    return name, f"{day}"
