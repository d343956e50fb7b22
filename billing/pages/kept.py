"""Parts of pages that stay drawn: the head and the palette of every page, the side of the frame.

Drawing the side takes longer than asking for all that it says (1.2 ms of CPU), and nearly every page shows
the same one again. What is kept may be shown to anybody, so it is drawn from nothing but what it is kept by.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple
from uuid import uuid4

from django.template.context import Context
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

_TOKEN = uuid4().hex
"""Stands where a form's token will: a text of this process that nobody can guess and write into a fact."""


@cache
def drawn_once(name: str) -> SafeString:
    """A template that needs no context, drawn once a process."""
    return get_template(name).render()


def drawn_for(context: Context, facts: NamedTuple, name: str) -> SafeString:
    """A template that says only these facts, drawn once for all who have equal ones.

    It sees the facts and never the context of the page, so what it says of a person is one of them and nobody
    is shown another's. Its forms get the token of who asks, each time.
    """
    drawn = _drawn_for(facts, name)
    return mark_safe(drawn.replace(_TOKEN, str(context["csrf_token"])))  # noqa: S308 both were escaped


@lru_cache(1_000)
def _drawn_for(facts: NamedTuple, name: str) -> SafeString:
    return get_template(name).render({**facts._asdict(), "csrf_token": _TOKEN})
