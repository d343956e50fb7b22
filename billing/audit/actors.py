"""Who did something, and from where: handed to every action, never guessed from a thread's context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billing.users import User


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at a page (`user` set) or a part of the system (`user` None, `text` says which).

    token: the name of the access token, where it is a person's script that came.
    """

    user: User | None
    text: str
    role: str = ""
    ip: str | None = None
    user_agent: str = ""
    request_id: str = ""
    token: str = ""


def person(
    user: User, *, ip: str | None = None, user_agent: str = "", request_id: str = "", token: str = ""
) -> Actor:
    """The actor for something that a person does, signed in or by a script of theirs."""
    return Actor(
        user=user,
        text=user.name,
        role=user.role,
        ip=ip,
        user_agent=user_agent[:400],
        request_id=request_id[:64],
        token=token,
    )


def system(part: str) -> Actor:
    """The actor for something no person does, such as `changes worker`."""
    return Actor(user=None, text=part)
