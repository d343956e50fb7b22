"""What the official SDK can call, and which of its calls the tests of the simulator make."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from metronome import Metronome
from metronome._resource import SyncAPIResource

CALL = re.compile(r"self\._(get_api_list|get|post|put|patch|delete)\(")
PATH = re.compile(r'f?"(/v\d/[^"]*)"')
LIST_METHOD = re.compile(r'\bmethod="(\w+)"')
HERE = Path(__file__).parent


def unnamed(route: str) -> str:
    """A route whose ids have no name, so that two spellings of one are equal."""
    return re.sub(r"\{\w+\}", "{}", route)


def sdk_methods() -> dict[str, str]:
    """`v1.customers.plans.add` → `POST /v1/customers/{}/plans/add`, for every method that there is."""
    client = Metronome(base_url="http://127.0.0.1:1", bearer_token="none")
    return dict(_methods_of(client.v1, "v1")) | dict(_methods_of(client.v2, "v2"))


def _methods_of(resource: SyncAPIResource, name: str) -> Iterator[tuple[str, str]]:
    for each, member in inspect.getmembers(type(resource)):
        if each.startswith(("_", "with_")):
            continue
        if inspect.isfunction(member):
            yield f"{name}.{each}", _route_of(member)
        elif isinstance(inner := getattr(resource, each), SyncAPIResource):
            yield from _methods_of(inner, f"{name}.{each}")


def _route_of(method: object) -> str:
    source = inspect.getsource(method)
    verb, path = CALL.search(source), PATH.findall(source)
    if verb is None or not path:
        raise AssertionError(f"no route can be read from {method}")
    listed = LIST_METHOD.search(source) if verb[1] == "get_api_list" else None
    name = listed[1] if listed else verb[1].removesuffix("_api_list")
    return unnamed(f"{name.upper()} {path[-1]}")


def calls_in_tests(folder: Path = HERE) -> set[str]:
    """Every SDK method that the files here name, and `POST /v1/…` for a path that is posted to by hand."""
    files = [file for file in folder.rglob("*.py") if not file.name.startswith("openapi_")]
    return {name for file in files for name in _named_in(ast.parse(file.read_text("utf-8")))}


def _named_in(tree: ast.AST) -> Iterator[str]:
    """The longest attribute chains from `v1` or `v2` on; a variable that holds a resource counts as it."""
    held: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target, value in _pairs(node.targets[0], node.value):
                held.setdefault(target, set()).update(_chains(value, held))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield from _chains(node, held)
        if isinstance(node, ast.Constant) and str(node.value).startswith(("/v1/", "/v2/")):
            yield f"POST {node.value}"


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for each, its in zip(target.elts, value.elts, strict=False):
            yield from _pairs(each, its)


def _chains(node: ast.expr, held: dict[str, set[str]]) -> set[str]:
    if isinstance(node, ast.Name):
        return held.get(node.id, set())
    if not isinstance(node, ast.Attribute):
        return set()
    if node.attr in ("v1", "v2"):
        return {node.attr}
    return {f"{chain}.{node.attr}" for chain in _chains(node.value, held)}
