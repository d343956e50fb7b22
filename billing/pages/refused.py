"""What the database refuses, in words: a rule that fires as a transaction ends has no form to go back to.

Pages say no before the database has to. Where they don't, because two people were at it at once or because a
page is wrong, its rule is told as it stands, with 409, and whoever runs this finds the refusal in the log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse

from billing.pages import errors

logger = logging.getLogger(__name__)

A_ROW_IS_GONE = "Something that this needs isn’t there"
GENERATED = re.compile(r"_[0-9a-f]{8}_|_(fk|pkey|key|uniq|not_null)$")
"""How the names of constraints look that nobody has put into words."""


class RefusedInWords:
    """Answer 409 with the database's rule to what it refused, in place of a failure without a word.

    The transaction is undone by then, and each page writes in one; nothing of it is left.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page, or None for what is no refusal of the database."""
        if not isinstance(exception, IntegrityError):
            return None
        rule = rule_of(exception)
        logger.error("%s %s was refused by the database: %s", request.method, request.path, rule)
        return errors.conflict(request, rule)


def rule_of(refusal: IntegrityError) -> str:
    """The rule in words: what a guard of ours says, or the name of the constraint, which is a sentence.

    A bug's constraint without such a name (a reference to nothing, an empty column) says that a row is gone.
    """
    diagnosis = getattr(refusal.__cause__, "diag", None)
    name = getattr(diagnosis, "constraint_name", None)
    said = getattr(diagnosis, "message_primary", None)
    if not name and said and getattr(diagnosis, "column_name", None) is None:
        return _sentence(said)
    if name and not GENERATED.search(name):
        return _sentence(name.replace("_", " "))
    return f"{A_ROW_IS_GONE}."


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
