"""Lists as files: made whole, then sent with their length: a part of one is never taken for all of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from billing.audit.taking import Taking

LONGEST_FILTER = 60


def csv_response(
    request: HttpRequest, take: Callable[[], Taking], name: str, narrowed_by: Mapping[str, str]
) -> StreamingHttpResponse:
    """A CSV download `<name>-<filter>-2026-11-20.csv`.

    `take` makes the file; HEAD takes nothing and calls nothing. Content-Length tells a client that a transfer
    broke off, Countersign-Rows how many rows (without the header) the whole has.
    """
    taking = None if request.method == "HEAD" else take()
    response = StreamingHttpResponse(taking or (), content_type="text/csv; charset=utf-8")
    if taking:
        response["Content-Length"], response["Countersign-Rows"] = str(taking.size), str(taking.rows)
    named = "-".join(filter(None, (name, in_a_name(narrowed_by), f"{timezone.now():%Y-%m-%d}")))
    response["Content-Disposition"] = f'attachment; filename="{named}.csv"'
    return response


def in_a_name(narrowed_by: Mapping[str, str]) -> str:
    """A filter in a file's name: small ASCII letters, digits and hyphens, and never longer than 60.

    What can't be said so is left out; of a filter that is set, at least what it looks at is told.
    """
    text = " ".join(f"{name} {value}" for name, value in narrowed_by.items() if value)
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only)[:LONGEST_FILTER].strip("-")
