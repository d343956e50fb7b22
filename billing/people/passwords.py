"""What a password must be, beside Django's own rules: not endless, and not one letter held down."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError


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
    """Refuse what repeats few characters (`aaaaaaaaaaaa`, twelve blanks), however long it is."""

    def __init__(self, least: int = 6) -> None:
        self.least = least

    def validate(self, password: str, user: Any = None) -> None:
        different = len(set(password.casefold()) - {" "})
        if different < self.least:
            raise ValidationError(
                f"This password repeats few characters ({different} different ones, blanks aside); "
                f"use at least {self.least} different ones.",
                code="password_too_uniform",
            )

    def get_help_text(self) -> str:
        return f"Your password has at least {self.least} different characters, blanks aside."
