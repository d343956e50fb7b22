"""What a request may say, read from the official SDK's own parameter types: the vendor keeps them, we don't.

A shape checks and cleans a JSON body or a query string: times become RFC 3339 in UTC, names from a closed
list get the casing of the SDK (the server takes any), null is taken where the type takes it, unknown fields
are ignored, as the service mostly does. Whatever doesn't fit raises ApiError 400 with the field's path.
"""

from __future__ import annotations

import functools
import math
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, NotRequired, Required

from typing_extensions import is_typeddict

from simulator.checks import moment_of, rfc3339
from simulator.http import ApiError

Parser = Callable[[Any, str], Any]
LARGEST = 1e15
LENGTHS = {"uniqueness_key": (1, 128), "transaction_id": (1, 128), "external_id": (1, 128)}


class Shape:
    """One type of the SDK as a check. `loose` reads query texts: "5" is a number, "a,b" is a list."""

    def __init__(self, annotation: Any, *, loose: bool = False, without: Iterable[str] = ()) -> None:
        self.annotation, self._loose, self._without = annotation, loose, frozenset(without)

    @functools.cached_property
    def _parse(self) -> Parser:
        if is_typeddict(self.annotation):
            return _object_parser(self.annotation, self._loose, self._without)
        return _parser(self.annotation, self._loose)

    def read(self, value: Any, where: str = "") -> Any:
        """The clean value."""
        return self._parse(value, where)

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """The fields that it knows; none for what isn't an object."""
        return frozenset(members_of(self.annotation)) if is_typeddict(self.annotation) else frozenset()


def refusal(where: str, words: str) -> ApiError:
    """400 with the path of what doesn't fit."""
    return ApiError(400, f"{where or 'Request body'} {words}")


@functools.cache
def members_of(kind: Any) -> dict[str, tuple[str, Any, bool]]:
    """Wire name → (name, type, required) of a TypedDict."""
    members = {}
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        required = typing.get_origin(hint) is Required
        if typing.get_origin(hint) in (Required, NotRequired):
            (hint,) = typing.get_args(hint)
        wire = name
        for extra in getattr(hint, "__metadata__", ()):
            wire = getattr(extra, "alias", None) or wire
        members[wire] = (name, hint, required)
    return members


def _object_parser(kind: Any, loose: bool, without: frozenset[str] = frozenset()) -> Parser:
    members: dict[str, tuple[str, Parser, bool]] = {}

    def parse(value: Any, where: str) -> dict[str, Any]:
        if not members:  # on the first use, so that a type may hold itself
            for wire, (name, hint, required) in members_of(kind).items():
                if name not in without:
                    members[wire] = (name, _named(name, _parser(hint, loose)), required)
        if not isinstance(value, dict):
            raise refusal(where, "must be a JSON object")
        clean = {}
        for wire, (name, parser, required) in members.items():
            inside = f"{where}.{wire}" if where else wire
            if wire in value:
                clean[name] = parser(value[wire], inside)
            elif required:
                raise refusal(inside, "is required")
        return clean

    return parse


def _named(name: str, parser: Parser) -> Parser:
    """A parser that also holds the length that this field has everywhere."""
    if name not in LENGTHS:
        return parser
    least, most = LENGTHS[name]

    def parse(value: Any, where: str) -> Any:
        clean = parser(value, where)
        if isinstance(clean, str) and not least <= len(clean) <= most:
            raise refusal(where, f"must be {least} to {most} characters")
        return clean

    return parse


def _parser(hint: Any, loose: bool) -> Parser:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Required, NotRequired):
        return _parser(arguments[0], loose)
    if origin is typing.Annotated:
        is_time = any(getattr(extra, "format", None) == "iso8601" for extra in hint.__metadata__)
        if not is_time:
            return _parser(arguments[0], loose)
        nullable = NoneType in typing.get_args(arguments[0])
        return _nullable(_time) if nullable else _time
    if origin is typing.Literal:
        return _choice(arguments)
    if origin in (typing.Union, UnionType):
        return _union([each for each in arguments if each is not datetime], loose)
    if is_typeddict(hint):
        return _object_parser(hint, False)
    if hint in _PLAIN:
        return (_LOOSE if loose else {}).get(hint, _PLAIN[hint])
    if hint is dict or origin is dict or origin is Mapping:
        return _mapping(_parser(arguments[1], False) if arguments else _anything)
    if isinstance(origin or hint, type) and issubclass(origin or hint, Iterable):
        return _array(_parser(arguments[0], loose) if arguments else _anything, loose)
    if getattr(origin, "__name__", "") == "SequenceNotStr":
        return _array(_parser(arguments[0], loose), loose)
    return _anything


def _nullable(parser: Parser) -> Parser:
    return lambda value, where: None if value is None else parser(value, where)


def _union(members: list[Any], loose: bool) -> Parser:
    if NoneType in members:
        return _nullable(_union([each for each in members if each is not NoneType], loose))
    parsers = [_parser(each, loose) for each in members]
    if len(parsers) == 1:
        return parsers[0]

    def parse(value: Any, where: str) -> Any:
        for parser in parsers[:-1]:
            try:
                return parser(value, where)
            except ApiError:
                continue
        return parsers[-1](value, where)

    return parse


SYNONYMS = {"YEARLY": "ANNUAL"}  # of what closed lists hold, as the guides write it


def _choice(names: tuple[Any, ...]) -> Parser:
    known = {}
    for name in names:  # where the SDK lists two casings, the upper one is what the server gives
        folded = name.upper() if isinstance(name, str) else name
        known[folded] = name if name == folded or folded not in known else known[folded]

    def parse(value: Any, where: str) -> Any:
        folded = value.upper() if isinstance(value, str) else None
        folded = SYNONYMS.get(folded, folded) if folded not in known else folded
        if folded not in known:
            raise refusal(where, f"must be one of {', '.join(map(str, known.values()))}")
        return known[folded]

    return parse


def _mapping(parser: Parser) -> Parser:
    def parse(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise refusal(where, "must be a JSON object")
        return {key: parser(each, f"{where}.{key}" if where else key) for key, each in value.items()}

    return parse


def _array(parser: Parser, loose: bool) -> Parser:
    def parse(value: Any, where: str) -> list[Any]:
        if loose and isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, list):
            raise refusal(where, "must be an array")
        return [parser(each, f"{where}[{place}]") for place, each in enumerate(value)]

    return parse


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise refusal(where, "must be a string")
    return value


def _number(value: Any, where: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal(where, "must be a number")
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise refusal(where, "is out of range")
    return value


def _integer(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusal(where, "must be an integer")
    return int(_number(value, where))


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise refusal(where, "must be a boolean")
    return value


def _time(value: Any, where: str) -> str:
    return rfc3339(moment_of(_text(value, where), where))


def _anything(value: Any, _where: str) -> Any:
    return value


def _loose_number(value: Any, where: str) -> int | float:
    try:
        number = float(value)
    except ValueError:
        raise refusal(where, "must be a number") from None
    return _number(number, where)


def _loose_integer(value: Any, where: str) -> int:
    if not (value.isascii() and value.removeprefix("-").isdigit() and len(value) < 18):
        raise refusal(where, "must be an integer")
    return int(value)


def _loose_truth(value: Any, where: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise refusal(where, "must be true or false")
    return value.lower() == "true"


_PLAIN: dict[Any, Parser] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: _truth,
    datetime: _time,
    object: _anything,
    Any: _anything,
}
_LOOSE: dict[Any, Parser] = {int: _loose_integer, float: _loose_number, bool: _loose_truth}
