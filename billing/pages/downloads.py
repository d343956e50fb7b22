"""Lists as files: streamed while they are read, complete, and named by the day."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone


def csv_response(
    request: HttpRequest, take: Callable[[], Iterator[bytes]], name: str
) -> StreamingHttpResponse:
    """A CSV download `<name>-2026-11-20.csv`.

    `take` records that the list is taken and returns its chunks; HEAD takes nothing and calls nothing.
    """
    chunks = iter(()) if request.method == "HEAD" else take()
    response = StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'
    return response
