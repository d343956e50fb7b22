"""What this simulator serves as an OpenAPI document and as a page, made from the routes themselves."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from types import NoneType, UnionType
from typing import Any, NotRequired, Required

from typing_extensions import is_typeddict

from simulator.routing import NAMES, ROUTES, Route
from simulator.shapes import members_of

PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}
REFUSED = {
    "description": "Refused: a sentence, and on some routes a code",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["message"],
                "properties": {"message": {"type": "string"}, "code": {"type": "string"}},
            }
        }
    },
}


def document() -> dict[str, Any]:
    """OpenAPI 3.0: each route with its parameters and its body, as the official SDK's types have them."""
    paths: dict[str, dict[str, Any]] = {}
    for name in sorted(ROUTES):
        method, path = name.split(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(ROUTES[name], method, path)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "A simulated Metronome",
            "version": "1",
            "description": "What this simulator serves. Not made or endorsed by Metronome.",
        },
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "security": [{"bearer": []}],
        "paths": paths,
    }


def _operation(route: Route, method: str, path: str) -> dict[str, Any]:
    ids = NAMES.findall(path)
    parameters: list[dict[str, Any]] = [
        {"name": each, "in": "path", "required": True, "schema": {"type": "string"}} for each in ids
    ]
    told: dict[str, Any] = {
        "operationId": route.handler.__module__.rpartition(".")[2] + "_" + route.handler.__name__,
        "tags": [route.family],
        "responses": {"200": {"description": "Success"}, "default": REFUSED},
    }
    if words := (route.handler.__doc__ or "").strip():
        told["summary"] = words.split("\n")[0]
    annotation = route.shape.annotation if route.shape else None
    if annotation is not None and method in ("POST", "PUT"):
        content = {"application/json": {"schema": _schema(annotation, without=ids)}}
        told["requestBody"] = {"content": content}
    elif annotation is not None and is_typeddict(annotation):
        for wire, (name, hint, required) in members_of(annotation).items():
            if name not in ids:
                schema = _schema(hint)
                parameters.append({"name": wire, "in": "query", "required": required, "schema": schema})
    return told | ({"parameters": parameters} if parameters else {})


def _schema(hint: Any, *, without: Iterable[str] = (), inside: tuple[Any, ...] = ()) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Required, NotRequired):
        return _schema(arguments[0], inside=inside)
    if origin is typing.Annotated:
        is_time = any(getattr(extra, "format", None) == "iso8601" for extra in hint.__metadata__)
        return {"type": "string", "format": "date-time"} if is_time else _schema(arguments[0], inside=inside)
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, UnionType):
        return _union(arguments, inside)
    if is_typeddict(hint):
        return _object(hint, without, inside)
    if hint in PLAIN:
        return {"type": PLAIN[hint]}
    if hint is datetime:
        return {"type": "string", "format": "date-time"}
    if hint is dict or origin is dict or origin is Mapping:
        values = _schema(arguments[1], inside=inside) if arguments else {}
        return {"type": "object", "additionalProperties": values}
    is_list = isinstance(origin or hint, type) and issubclass(origin or hint, Iterable)
    if is_list or getattr(origin, "__name__", "") == "SequenceNotStr":
        return {"type": "array", "items": _schema(arguments[0], inside=inside) if arguments else {}}
    return {}


def _union(arguments: tuple[Any, ...], inside: tuple[Any, ...]) -> dict[str, Any]:
    kinds = [each for each in arguments if each not in (NoneType, datetime)]
    some = [_schema(each, inside=inside) for each in kinds]
    whole = some[0] if len(some) == 1 else {"anyOf": some}
    return whole | ({"nullable": True} if NoneType in arguments else {})


def _object(kind: Any, without: Iterable[str], inside: tuple[Any, ...]) -> dict[str, Any]:
    """A type that holds itself is told once."""
    if kind in inside:
        return {"type": "object"}
    members = {
        wire: (hint, required)
        for wire, (name, hint, required) in members_of(kind).items()
        if name not in without
    }
    needed = [wire for wire, (_hint, required) in members.items() if required]
    properties = {wire: _schema(hint, inside=(*inside, kind)) for wire, (hint, _required) in members.items()}
    return {"type": "object", "properties": properties} | ({"required": needed} if needed else {})


def page(style: str) -> str:
    """Every route as a table, by family."""
    families: dict[str, list[str]] = {}
    for name in sorted(ROUTES, key=lambda name: name.split(" ")[1]):
        families.setdefault(ROUTES[name].family, []).append(name)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>What the simulator serves</title><style>{style}</style><main>",
        f"<h1>What the simulator serves</h1><p>{len(ROUTES)} routes; the same for programs: ",
        '<a href="/_sim/openapi.json">openapi.json</a>. <a href="/_sim/">The other side</a></p>',
        '<div class="wide" role="region" tabindex="0" aria-label="Every route"><table>',
        "<caption>Every route, by the family that a rate limit counts together</caption>",
        "<tr><th scope=col>Route<th scope=col>Does<th scope=col>Kind",
    ]
    for family, names in sorted(families.items()):
        parts.append(f"<tbody><tr><th colspan=3 scope=rowgroup>{escape(family)}")
        for name in names:
            words = (ROUTES[name].handler.__doc__ or ROUTES[name].handler.__name__.replace("_", " ")).strip()
            kind = "writes" if ROUTES[name].writes else "reads"
            first = escape(words.split("\n")[0])
            parts.append(f"<tr><td><code>{escape(name)}</code><td>{first}<td>{kind}")
    return "".join(parts) + "</table></div></main></html>"
