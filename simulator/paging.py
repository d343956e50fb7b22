"""Lists in pages. A cursor is opaque and bound to its list and filters."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from simulator.http import ApiError, Request


def limit_of(value: Any, *, most: int, default: int) -> int:
    """The page size asked for."""
    if value is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", str(value)):
        raise ApiError(400, "limit must be an integer")
    if not 1 <= int(value) <= most:
        raise ApiError(400, f"limit must be between 1 and {most}")
    return int(value)


def _bound(filters: Any) -> str:
    return hashlib.sha256(json.dumps(filters, sort_keys=True, default=str).encode()).hexdigest()[:12]


def encode(position: int, filters: Any) -> str:
    """The cursor that goes on at `position`."""
    return base64.urlsafe_b64encode(f"{position}.{_bound(filters)}".encode()).decode()


def decode(cursor: Any, filters: Any) -> int:
    """Where a cursor goes on. Raises ApiError 400 for a foreign one."""
    if cursor is None:
        return 0
    try:
        position, bound = base64.urlsafe_b64decode(cursor.encode()).decode().split(".")
        if bound == _bound(filters) and position.isdecimal():
            return int(position)
    except (ValueError, binascii.Error, AttributeError):
        pass
    raise ApiError(400, "Invalid next_page token")


def page(
    rows: Sequence[Any],
    *,
    limit: int,
    cursor: Any,
    filters: Any,
    keep: Callable[[Any], bool] = lambda row: True,
    show: Callable[[Any], Any] = lambda row: row,
    shift: int = 0,
) -> tuple[list[Any], str | None]:
    """Up to `limit` shown rows from the cursor on, and the cursor that goes on, or None at the end.

    `shift` -1 begins with the last row before the cursor once more, 1 leaves out the first one after it.
    """
    position, shown = decode(cursor, filters), []
    if cursor is not None and shift:
        position, limit = _shifted(rows, keep, position, shift), limit + (shift < 0)
    while position < len(rows) and len(shown) < limit:
        if keep(rows[position]):
            shown.append(show(rows[position]))
        position += 1
    while position < len(rows) and not keep(rows[position]):
        position += 1
    return shown, encode(position, filters) if position < len(rows) else None


def _shifted(rows: Sequence[Any], keep: Callable[[Any], bool], position: int, shift: int) -> int:
    if shift > 0:
        return next((n + 1 for n in range(position, len(rows)) if keep(rows[n])), len(rows))
    return next((n for n in range(min(position, len(rows)) - 1, -1, -1) if keep(rows[n])), position)


def query_page(
    request: Request, rows: Sequence[Any], *, most: int = 100, default: int | None = None, **options: Any
) -> dict[str, Any]:
    """The answer of a list whose cursor travels in the query, even where its filters are in the body."""
    filters = [
        request.path,
        {k: v for k, v in request.query.items() if k not in ("limit", "next_page")},
        request.body,
    ]
    limit = limit_of(request.query.get("limit"), most=most, default=default or most)
    shown, onward = page(
        rows,
        limit=limit,
        cursor=request.query.get("next_page"),
        filters=filters,
        shift=request.shift,
        **options,
    )
    return {"data": shown, "next_page": onward}


def body_page(
    request: Request,
    rows: Sequence[Any],
    *,
    cursor: str,
    most: int,
    default: int | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The answer of a list whose cursor travels in the body, named `next_page` or `cursor`."""
    given = request.given
    filters = [request.path, {k: v for k, v in given.items() if k not in ("limit", cursor)}]
    limit = limit_of(given.get("limit"), most=most, default=default or most)
    shown, onward = page(
        rows, limit=limit, cursor=given.get(cursor), filters=filters, shift=request.shift, **options
    )
    return {"data": shown, cursor: onward}


def newest_first(rows: Iterable[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Rows by a timestamp text, newest first."""
    return sorted(rows, key=lambda row: row[key] or "", reverse=True)
