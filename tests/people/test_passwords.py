"""A password is long enough, nobody's first guess, and not one letter held down."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from billing.users import User

REFUSED = {
    "aaaaaaaaaaaa": "ManyCharacters",
    " " * 12: "ManyCharacters",
    "abababababab1": "ManyCharacters",
    "AaAaAaAaBbBb": "ManyCharacters",
    "rAmAn 1234 priya RAMAN 1234": "ManyCharacters",
    "a" * 100 + "bcdefg" + "h" * 120: "NotTooLong",
    "short one 7": "MinimumLength",
    "q1w2e3r4t5y6": "CommonPassword",
    "pryia.rmaan.26": "UserAttributeSimilarity",
}


def person() -> User:
    return User(username="priya.raman.26", name="Priya Raman", role="finance")


@pytest.mark.parametrize("password", REFUSED)
def test_what_is_easily_guessed_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, person())


@pytest.mark.parametrize("password", REFUSED)
def test_each_rule_is_needed(settings: Any, password: str) -> None:
    """With the one rule switched off, what it alone refuses gets through."""
    off = REFUSED[password]
    kept = [rule for rule in settings.AUTH_PASSWORD_VALIDATORS if off not in rule["NAME"]]
    assert len(kept) == len(settings.AUTH_PASSWORD_VALIDATORS) - 1
    settings.AUTH_PASSWORD_VALIDATORS = kept

    validate_password(password, person())


@pytest.mark.parametrize(
    "password", ["countersign-demo", "a much longer one 7", "Grüße aus Straßburg", "z" * 8 + "yxwvuts"]
)
def test_an_honest_password_passes(password: str) -> None:
    validate_password(password, person())
