"""Which addresses the service talks from and at: reference §3.8. Here both are this machine."""

from __future__ import annotations

from simulator.http import Reply, Request
from simulator.routing import route
from simulator.world import World

SERVICES = [
    {"name": "Webhooks", "usage": "makes_connections_from", "ips": ["127.0.0.1", "::1"]},
    {"name": "API", "usage": "accepts_connections_at", "ips": ["127.0.0.1"]},
]


@route("GET /v1/services")
def list_services(_world: World, _request: Request) -> Reply:
    """Without the usual envelope."""
    return Reply(200, {"services": SERVICES})
