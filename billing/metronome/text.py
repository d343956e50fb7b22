"""What a name, an ingest alias and a custom field may be (API reference §1.7; find.md, last paragraph)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable

LONGEST_NAME = 160
"""UTF-16 units; Metronome silently cuts the rest."""
LONGEST_ALIAS = 128
MOST_ALIASES = 2_000
LONGEST_FIELD_VALUE = 200
SURELY_SHORTENED = 40
"""A live name that is a prefix of ours counts as shortened by Metronome only from this length on."""
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc")
"""Letters and symbols to Unicode that are drawn as nothing."""
TURNERS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of the text around them, so that people read something else."""


class TextRefused(ValueError):
    """The text can't be sent; the message says why, for the person who entered it."""


def utf16_units(text: str) -> int:
    """Length as JavaScript counts it: a character outside the basic plane counts as two."""
    return len(text) + sum(ord(letter) > 0xFFFF for letter in text)


def check_name(text: str, called: str = "The name") -> str:
    """The name in NFC and trimmed. Raises TextRefused, saying what is wrong with what is `called` so."""
    _refuse_unsendable(text, called)
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise TextRefused(f"{called} is empty.")
    if not any(is_drawn(letter) for letter in name):
        raise TextRefused(f"{called} has nothing but characters that can’t be seen.")
    if turner := next((letter for letter in name if letter in TURNERS), ""):
        raise TextRefused(f"{called} has a character that turns the text around (U+{ord(turner):04X}).")
    if (units := utf16_units(name)) > LONGEST_NAME:
        raise TextRefused(
            f"{called} is {units} characters long; Metronome keeps {LONGEST_NAME} and cuts the rest."
        )
    return name


def check_alias(text: str) -> str:
    """The alias exactly as given: spaces at an end are part of it. Raises TextRefused."""
    _refuse_unsendable(text, f"The alias “{text[:40]}”" if text.isprintable() else "An alias")
    if not text:
        raise TextRefused("An alias is empty.")
    if len(text) > LONGEST_ALIAS:
        raise TextRefused(
            f"The alias “{text[:40]}…” has {len(text)} characters; {LONGEST_ALIAS} is the limit."
        )
    if text.strip() and not any(is_drawn(letter) for letter in text):
        raise TextRefused("An alias has nothing but characters that can’t be seen.")
    return text


def check_aliases(aliases: Iterable[str], held: Collection[str] = ()) -> list[str]:
    """The aliases in the order given. Raises TextRefused for a bad one, a repeated one, or over 2,000.

    One that the customer holds already is never bad: whoever made it, it stays until it is taken away.
    """
    return check_whole_set([alias if alias in held else check_alias(alias) for alias in aliases])


def check_whole_set(checked: list[str]) -> list[str]:
    """All aliases that a customer shall hold, whoever made them. Raises TextRefused.

    Only what can't be sent at all is refused in each: nothing, half a character, NUL.
    """
    for alias in checked:
        if not alias or any(letter == "\0" or unicodedata.category(letter) == "Cs" for letter in alias):
            raise TextRefused("An alias is empty, or has half a character or a NUL in it.")
    if len(checked) > MOST_ALIASES:
        raise TextRefused(f"These are {len(checked):,} aliases; a customer can hold {MOST_ALIASES:,}.")
    seen: set[str] = set()
    for alias in checked:
        if alias in seen:
            raise TextRefused(f"“{alias}” is there twice.")
        seen.add(alias)
    return checked


def check_text(text: str, what: str) -> str:
    """The text as given. Raises TextRefused for what can't be sent: half a character, or a control one."""
    _refuse_unsendable(text, what)
    return text


def check_custom_fields(fields: dict[str, str]) -> dict[str, str]:
    """The custom fields as given. Raises TextRefused for a value that is too long or can't be sent."""
    for key, value in fields.items():
        _refuse_unsendable(key, "A custom field’s key")
        _refuse_unsendable(value, f"The value of {key}")
        if value and not any(is_drawn(letter) for letter in value):
            raise TextRefused(f"The value of {key} has nothing but characters that can’t be seen.")
        if turner := next((letter for letter in value if letter in TURNERS), ""):
            raise TextRefused(
                f"The value of {key} has a character that turns the text around (U+{ord(turner):04X})."
            )
        if len(value) > LONGEST_FIELD_VALUE:
            raise TextRefused(
                f"The value of {key} is {len(value)} characters long; {LONGEST_FIELD_VALUE} is the limit."
            )
    return fields


def is_shortened_form(live: str, ours: str) -> bool:
    """Whether the live name is ours as Metronome shortens it: a proper prefix, 40 units or longer."""
    return live != ours and ours.startswith(live) and utf16_units(live) >= SURELY_SHORTENED


def _refuse_unsendable(text: str, what: str) -> None:
    for letter in text:
        category = unicodedata.category(letter)
        if category == "Cs":
            raise TextRefused(f"{what} has half a character (an unpaired surrogate); enter it again.")
        if category == "Cc":
            raise TextRefused(f"{what} has a control character (code {ord(letter)}); take it out.")


def is_drawn(letter: str) -> bool:
    """Whether a character leaves a mark of its own."""
    return letter not in BLANKS and unicodedata.category(letter)[0] in "LNPS"
