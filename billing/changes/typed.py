"""What a person reads and types: the reason they give, and the name that they repeat to show they mean it.

The exact bytes stay what is stored, shown and sent; here what a keyboard and a screen make of them counts.
"""

from __future__ import annotations

import unicodedata

from django import forms

from billing.changes.refusals import BadInput
from billing.metronome.text import BLANKS, TURNERS, is_drawn

LONGEST_REASON = 2_000
ID_END = 8
"""How many characters of an id stand in for a name that shows nothing."""
_QUOTES = str.maketrans({**dict.fromkeys("‘’‛′", "'"), **dict.fromkeys("“”„‟″", '"')})
_JOINERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5")
"""Marks and letters that Unicode lets programs leave undrawn."""


def plain_lines(text: str) -> str:
    """The text with its line ends as one character each: browsers count one and send two."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def checked_reason(reason: str) -> str:
    """The reason, trimmed. Raises BadInput when it is empty, too long, or holds what nobody could read."""
    reason = plain_lines(reason).strip()
    if not reason:
        raise BadInput("Say why. The reason is kept in the audit record.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise BadInput(f"The reason is longer than {LONGEST_REASON:,} characters.", field="reason")
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" for letter in reason):
        raise BadInput("The reason has a control character or half a character: take it out.", field="reason")
    if not any(is_drawn(letter) for letter in reason):
        raise BadInput("The reason has nothing but characters that can’t be seen.", field="reason")
    if turner := next((letter for letter in reason if letter in TURNERS), ""):
        raise BadInput(
            f"The reason has a character that turns the text around (U+{ord(turner):04X}).", field="reason"
        )
    return reason


class ReasonField(forms.CharField):
    """A reason for the record: of at most 2,000 characters, a line end counting as one."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"max_length": LONGEST_REASON, **kwargs})

    def to_python(self, value: object) -> str:
        return super().to_python(plain_lines(value) if isinstance(value, str) else value)

    def clean(self, value: object) -> str:
        text = super().clean(value)
        if not text:
            return text
        try:
            return checked_reason(text)
        except BadInput as refusal:
            raise forms.ValidationError(refusal.message) from refusal


def to_type(name: str, thing_id: str | None) -> str:
    """What a person types to show that they mean this one: its name, or its id's end if that is blank."""
    return name if _as_typed(name) else (thing_id or "")[-ID_END:]


def is_typed(typed: str, name: str, thing_id: str | None) -> bool:
    """Whether this is the name as a keyboard gives it.

    Spaces, tabs and line breaks fold to one space; what can't be seen is left out; forms of one letter, of
    quotes and of dashes are one. Capitals and accents count.
    """
    return bool(typed.strip()) and _as_typed(typed) == _as_typed(to_type(name, thing_id))


def _as_typed(text: str) -> str:
    spaced = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFKC", text))
    seen = (letter for letter in spaced if not _is_unseen(letter))
    dashed = ("-" if unicodedata.category(letter) == "Pd" or letter == "−" else letter for letter in seen)
    return " ".join("".join(dashed).translate(_QUOTES).split())


def _is_unseen(letter: str) -> bool:
    return (
        letter in BLANKS
        or letter in _JOINERS
        or "\ufe00" <= letter <= "\ufe0f"
        or "\U000e0100" <= letter <= "\U000e01ef"
        or unicodedata.category(letter) in ("Cf", "Cc")
    )
