"""JSON to the last digit: read so that no number becomes a float, and written as short as it can be."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson

_EXACT = f"exactly {secrets.token_hex(8)} "
_EXACTLY = re.compile(f'"{_EXACT}([^"]*)"')


def parsed_json(body: bytes) -> Any:
    """The body as JSON, its fractions as Decimal. Raises ValueError, also for one nested without end."""
    try:
        return json.loads(body, parse_float=Decimal)
    except RecursionError as problem:
        raise ValueError("the body is nested too deeply") from problem


def skimmed_json(body: bytes) -> Any:
    """The body as JSON for who wants its shape, not its numbers: quicker, and fractions are floats."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # it is stricter than JSON is, about half characters say
        return parsed_json(body)


def as_json(value: Any, **layout: Any) -> str:
    """JSON text; a Decimal stands in it as the number that it is. layout: as `json.dumps` takes it."""
    text = json.dumps(value, default=_exactly, **layout)
    return _EXACTLY.sub(r"\1", text) if _EXACT in text else text


def packed(value: Any) -> bytes:
    """The same without a space, and by far quicker. Half a character stands in it escaped."""
    try:
        return orjson.dumps(value, default=_fragment)
    except orjson.JSONEncodeError:  # half a character, a number of more than 64 bits, or very deep
        return as_json(value, separators=(",", ":")).encode()


def packed_rows(rows: Sequence[Any], body: bytes) -> list[bytes]:
    """Each row's own JSON, packed. rows: what `skimmed_json` has made of `data` in this body.

    Where the body does not say them in just these bytes, a number may have lost a digit: it is read anew.
    """
    try:
        texts = [packed(row) for row in rows]
        if b",".join(texts) in body:
            return texts
        return [packed(row) for row in parsed_json(body)["data"]]
    except RecursionError as problem:
        raise ValueError("the body is nested too deeply") from problem


def _exactly(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{_EXACT}{value}"
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _fragment(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON value")
