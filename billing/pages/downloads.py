"""Lists as files: streamed while they are read, complete, and named by the day."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control


def csv_response(chunks: Iterator[bytes], name: str) -> StreamingHttpResponse:
    """A CSV download `<name>-2026-11-20.csv`; never kept by a cache."""
    response = StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'
    response["X-Accel-Buffering"] = "no"
    patch_cache_control(response, private=True, no_store=True)
    return response
