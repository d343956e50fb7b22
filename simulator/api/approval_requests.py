"""What agents ask a person for: a write that their token may not carry out."""

from __future__ import annotations

from typing import Any, Required, TypedDict

from simulator.http import ApiError, Reply, Request
from simulator.routing import route
from simulator.shapes import refusal
from simulator.world import World

LENGTHS = {"name": 128, "description": 512}
DASHBOARD = "https://metronome.example/connections/agent-requests?id="


class Submission(TypedDict):
    """What the SDK has no type for."""

    name: Required[str]
    description: Required[str]
    request_type: Required[str]
    request_payload: Required[dict[str, Any]]


@route("POST /v1/approval_requests/submit", Submission, writes=True)
def submit(world: World, request: Request) -> Reply:
    """Kept until a person decides; who that is, plays the control plane."""
    given = request.given
    for name, most in LENGTHS.items():
        if not 1 <= len(given[name]) <= most:
            raise refusal(name, f"must be 1 to {most} characters")
    if not given["request_type"].startswith("/"):
        raise refusal("request_type", "must be the path of an operation")
    if not given["request_payload"]:
        raise refusal("request_payload", "must not be empty")
    if not request.token.agentic:
        raise ApiError(403, "Only an agentic token asks for approval")
    row = {"id": world.new_id(), "created_at": world.stamp(), "status": "pending", **given}
    world.approval_requests[row["id"]] = row
    told = {"id": row["id"], "approval_url": DASHBOARD + row["id"], "created_at": row["created_at"]}
    world.happened(request, resource=("approval_request", row["id"]), action="submit", after=row)
    return Reply(200, {"data": told})
