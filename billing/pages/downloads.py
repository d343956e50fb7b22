"""Lists as files: made whole, then sent with their length: a part of one is never taken for all of it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from billing.audit.taking import Taking


def csv_response(request: HttpRequest, take: Callable[[], Taking], name: str) -> StreamingHttpResponse:
    """A CSV download `<name>-2026-11-20.csv`.

    `take` makes the file; HEAD takes nothing and calls nothing. Content-Length tells a client that a transfer
    broke off, Countersign-Rows how many rows (without the header) the whole has.
    """
    taking = None if request.method == "HEAD" else take()
    response = StreamingHttpResponse(taking or (), content_type="text/csv; charset=utf-8")
    if taking:
        response["Content-Length"], response["Countersign-Rows"] = str(taking.size), str(taking.rows)
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'
    return response
