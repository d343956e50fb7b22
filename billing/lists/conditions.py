"""Conditions that Django's own lookups can't say, for queries whose plan must not hang on statistics."""

from __future__ import annotations

from django.db.models import BooleanField, Func


class IsAnyOf(Func):
    """Whether a value is in an array, which is made once: `id = ANY(ARRAY(SELECT …))`.

    As a join it was made again for every customer while PostgreSQL had no statistics yet, right after a
    first load: 27 s instead of 35 ms among 20,000.
    """

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()


class InPassing(Func):
    """A condition that each row is asked as it passes, and that no index is searched for."""

    template = "((%(expressions)s) IS TRUE)"
    output_field = BooleanField()
