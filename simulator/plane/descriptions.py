"""What there is to be asked: the routes as a page and as an OpenAPI document."""

from __future__ import annotations

from simulator import described
from simulator.http import Reply
from simulator.plane.control import Asked, command
from simulator.plane.page import HEADERS, STYLE


@command("GET openapi.json")
def openapi(_asked: Asked) -> Reply:
    return Reply(200, described.document())


@command("GET routes")
def routes(_asked: Asked) -> Reply:
    content = described.page(STYLE).encode()
    return Reply(200, content=content, content_type="text/html; charset=utf-8", headers=dict(HEADERS))
