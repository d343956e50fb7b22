"""What a password must be, beside Django's own rules: not endless, and not one letter held down."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from billing.lists.text import counted

SHORTEST_NAME = 4


class NotTooLong:
    """Refuse what is longer than any pass phrase: hashing it costs us, and gains nobody anything."""

    def __init__(self, max_length: int = 200) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > self.max_length:
            raise ValidationError(
                f"This password has {len(password)} characters; {self.max_length} is the most.",
                code="password_too_long",
            )

    def get_help_text(self) -> str:
        return f"Your password has at most {self.max_length} characters."


class ManyCharacters:
    """Refuse what repeats few characters (`aaaaaaaaaaaa`, twelve blanks, one's name twice), however long."""

    def __init__(self, least: int = 6) -> None:
        self.least = least

    def validate(self, password: str, user: Any = None) -> None:
        rest = password.casefold()
        for own in _names(user):
            rest = rest.replace(own, "")
        if rest != password.casefold() and _different(rest) < self.least:
            raise ValidationError(
                "This password is little more than your own name. Take words that tell nothing of you.",
                code="password_too_similar",
            )
        different = _different(password.casefold())
        if different < self.least:
            raise ValidationError(
                f"This password repeats few characters ({counted(different, 'different one')}, "
                f"blanks aside); "
                f"use at least {self.least} different ones.",
                code="password_too_uniform",
            )

    def get_help_text(self) -> str:
        return f"Your password has at least {self.least} different characters, blanks aside."


def _different(text: str) -> int:
    return len(set(text) - {" "})


def _names(user: Any) -> list[str]:
    """What somebody signs in with and the words of their name, longest first, without the shortest."""
    words = [getattr(user, "username", ""), *getattr(user, "name", "").split()] if user else []
    return sorted((word.casefold() for word in words if len(word) >= SHORTEST_NAME), key=len, reverse=True)
