"""What a handler gets and gives, and the errors in Metronome's own form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token: which account it opens, its name (the audit log's actor), and whether it only reads.

    An `agentic` one reads, and asks a person for what it would write.
    """

    account: str
    name: str
    read_only: bool = False
    agentic: bool = False


@dataclass(slots=True)
class Request:
    """One request. `body` is parsed JSON, None when there was none; header names are lower case.

    `route` is its template and `given` what its shape made of the body or the query: see simulator.routing.
    `shift` is a fault's: a page begins that many rows off its cursor.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    request_id: str
    token: Token | None = None
    body: Any = None
    ids: dict[str, str] = field(default_factory=dict)
    route: str = ""
    given: Any = None
    shift: int = 0

    @property
    def user_agent(self) -> str:
        return self.headers.get("user-agent", "")


@dataclass(slots=True)
class Reply:
    """One answer; `body` None is an empty one."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = "application/json"

    def payload(self) -> bytes:
        """The bytes of the body."""
        if self.content is not None:
            return self.content
        return b"" if self.body is None else orjson.dumps(self.body)


class ApiError(Exception):
    """A refusal. `executed`: the work had begun, so an Idempotency-Key stores it, unlike a validation.

    `more` are further members of the body, such as the `conflicting_id` of an alert.
    """

    def __init__(
        self, status: int, message: str, *, code: str = "", executed: bool = False, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.executed, self.more = status, message, code, executed, more
        self.headers: dict[str, str] = {}

    def reply(self) -> Reply:
        """The documented body: `{message}`, with a `code` where the real service adds one."""
        code = {"code": self.code} if self.code else {}
        return Reply(self.status, {**code, "message": self.message, **self.more}, self.headers)
