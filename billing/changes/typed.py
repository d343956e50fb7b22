"""What a person reads and types: the reason they give, and the name that they repeat to show they mean it.

The exact bytes stay what is stored, shown and sent; here what a keyboard and a screen make of them counts.
"""

from __future__ import annotations

import unicodedata

from django import forms

from billing.changes.refusals import BadInput
from billing.lists.text import as_typed
from billing.metronome.text import TURNERS, is_drawn

LONGEST_REASON = 2_000
ID_END = 8
"""How many characters of an id stand in for a name that shows nothing."""


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
    return name if as_typed(name) else (thing_id or "")[-ID_END:]


def is_typed(typed: str, name: str, thing_id: str | None) -> bool:
    """Whether this is the name as a keyboard gives it.

    Capitals and accents count, unlike in a search: who types them has read them.
    """
    return bool(typed.strip()) and as_typed(typed) == as_typed(to_type(name, thing_id))
