"""The vendor's OpenAPI documents, as they are and closed: an object may hold only what it declares."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import schemathesis
from jsonschema_rs import Draft4Validator
from schemathesis.core import NotSet
from schemathesis.core.jsonschema import make_validator
from schemathesis.schemas import APIOperation

from simulator.running import ROOT
from simulator.tests import openapi_differences as differences
from simulator.tests.sdk_methods import unnamed

FOLDER = Path(os.environ.get("COUNTERSIGN_OPENAPI_DIR") or ROOT.parent / "shared/reference/openapi")
VERBS = ("get", "post", "put", "delete")


@functools.cache
def documents() -> dict[str, dict[str, Any]]:
    """Every document by its file's name, as sent by the vendor; none where there is no such folder."""
    return {file.name: json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.json"))}


@functools.cache
def operations() -> dict[str, tuple[str, str, str]]:
    """Route with nameless ids → (file, path, verb). What two documents describe is taken from the first."""
    found: dict[str, tuple[str, str, str]] = {}
    for file, document in documents().items():
        for path, verbs in document["paths"].items():
            for verb in VERBS & verbs.keys():
                found.setdefault(
                    unnamed(f"{verb.upper()} {prefix(document)}{path}"), (file, path, verb.upper())
                )
    return found


def prefix(document: dict[str, Any]) -> str:
    """What the server's address adds to a path: `/v1` in one document, nothing in the other."""
    return "/v1" if document["servers"][0]["url"].endswith("/v1") else ""


@functools.cache
def _schema(file: str, closed: bool) -> schemathesis.BaseSchema:
    document = json.loads(json.dumps(documents()[file]))
    del document["security"]  # the token is not what is judged here
    if not closed:
        return schemathesis.openapi.from_dict(document)
    for path, members in differences.MORE_MEMBERS.items():
        name, *inner = path.split(".")
        schema = document["components"]["schemas"].get(name, {"properties": {}})
        for each in inner:
            schema = schema["properties"][each]
        schema["properties"] |= {member: {} for member in members - schema["properties"].keys()}
    composed = set(_references(document, False))
    for name, schema in document["components"]["schemas"].items():
        if name != "Error":  # may carry a code
            _close(schema, f"#/components/schemas/{name}" in composed)
    _close(document["paths"], False)
    return schemathesis.openapi.from_dict(document)


def operation(route: str, *, closed: bool = True) -> APIOperation:
    """The operation that schemathesis makes of a route."""
    file, path, verb = operations()[route]
    return _schema(file, closed)[path][verb]


def takes(route: str, body: Any) -> bool:
    """Whether the document as it is takes this body; unknown members are no reason against it."""
    known = operation(route, closed=False).get_body_for_media_type("application/json")
    if known is None or isinstance(body, bytes):
        return False
    body = {} if isinstance(body, NotSet) else body  # a body that is missing is read as an empty one
    return make_validator(known.validation_schema, Draft4Validator).is_valid(body)


def _references(node: Any, composed: bool) -> Iterator[str]:
    """What stands under an `allOf`: closing one part would refuse the members of the others."""
    if isinstance(node, dict):
        if composed and "$ref" in node:
            yield node["$ref"]
        for key, inner in node.items():
            yield from _references(inner, key == "allOf")
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner, composed)


def _close(node: Any, composed: bool) -> None:
    if isinstance(node, list):
        for inner in node:
            _close(inner, composed)
    elif isinstance(node, dict):
        members = node.get("properties")
        if isinstance(members, dict) and not composed:
            node.setdefault("additionalProperties", False)
        for key, inner in node.items():
            if key == "properties":
                _close(list(inner.values()), False)
            elif key not in ("example", "examples") and not key.startswith(("4", "5")):
                _close(inner, key == "allOf")


def examples(route: str) -> list[Any]:
    """The bodies that the document shows for a route."""
    file, path, verb = operations()[route]
    body = documents()[file]["paths"][path][verb.lower()].get("requestBody", {})
    shown = body.get("content", {}).get("application/json", {})
    given = [shown["example"]] if "example" in shown else []
    return given + [each["value"] for each in shown.get("examples", {}).values()]
