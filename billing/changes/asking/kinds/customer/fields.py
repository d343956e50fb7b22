"""Form fields for what Metronome takes: names, ingest aliases and custom fields, with its limits."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from typing import Any

from django import forms

from billing.changes.typed import plain_lines
from billing.metronome.text import TextRefused, check_alias, check_aliases, check_custom_fields, check_name

MOST_TOLD = 20
"""So many lines with something wrong are told at once."""


class NameField(forms.CharField):
    """A customer's name: NFC, trimmed, 1 to 160 UTF-16 units."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "Name")
        kwargs.setdefault(
            "help_text",
            "Up to 160 characters; an emoji counts as two. Metronome would silently cut the rest.",
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        try:
            return check_name(text, f"The {str(self.label).lower()}") if text or self.required else text
        except TextRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class AliasesField(forms.CharField):
    """Ingest aliases, one a line. Spaces at either end are part of an alias; empty lines are skipped."""

    held: Collection[str] = ()
    """What the customer holds already, which is taken as it is."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "Ingest aliases")
        kwargs.setdefault(
            "help_text",
            "One a line, 1 to 128 characters each, up to 2,000. Capitals and spaces at either end count.",
        )
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "wrap": "off"}))
        super().__init__(strip=False, **kwargs)

    def clean(self, value: Any) -> list[str]:
        numbered = list(enumerate(plain_lines(super().clean(value)).split("\n"), 1))
        lines = [line for _number, line in numbered if line]
        if self.required and not lines:
            raise forms.ValidationError("Enter at least one alias.", code="required")
        if problems := list(self._problems(numbered)):
            more = [f"And {len(problems) - MOST_TOLD:,} more lines."] if len(problems) > MOST_TOLD else []
            raise forms.ValidationError(problems[:MOST_TOLD] + more)
        try:
            return check_aliases(lines, self.held)
        except TextRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def _problems(self, numbered: list[tuple[int, str]]) -> Iterator[str]:
        """What is wrong with each line by itself, all at once; which line it is, where there are several."""
        is_one_of_many = sum(bool(line) for _number, line in numbered) > 1
        seen: set[str] = set()
        for number, line in numbered:
            where = f"Line {number:,}: " if is_one_of_many else ""
            try:
                if line and line not in self.held:
                    check_alias(line)
                if line in seen:
                    yield f"{where}“{line}” is there twice."
            except TextRefused as refusal:
                yield f"{where}{refusal}"
            seen |= {line} if line else set()

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value


def fits_a_line(alias: str) -> bool:
    """Whether a text field with an alias a line gives this one back as it was."""
    return bool(alias) and plain_lines(alias).count("\n") == 0


def mark_of(alias: str) -> str:
    """The value of an alias’s box: fit for any form, whatever the alias holds."""
    return hashlib.sha256(alias.encode()).hexdigest()[:16]


class AliasChoice(forms.MultipleChoiceField):
    """Aliases that no line can hold, each with a box; its value is the list of those that were ticked."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *, aliases: Collection[str], words: str, **kwargs: Any) -> None:
        self.by_mark = {mark_of(alias): alias for alias in aliases}
        choices = [(mark, f"{words} “{drawn_lines(alias)}”") for mark, alias in self.by_mark.items()]
        super().__init__(choices=choices, required=False, **kwargs)

    def marks(self, aliases: Collection[str]) -> list[str]:
        """The values of the boxes of these aliases."""
        return [mark for mark, alias in self.by_mark.items() if alias in aliases]

    def clean(self, value: Any) -> list[str]:
        return [self.by_mark[mark] for mark in super().clean(value)]


def drawn_lines(text: str) -> str:
    """A text on one line, a sign in the place of each line end."""
    return text.replace("\r\n", "⏎").replace("\r", "⏎").replace("\n", "⏎")


def clean_custom_fields(values: dict[str, str]) -> dict[str, str]:
    """The custom fields that were filled in. Raises forms.ValidationError for one Metronome would refuse."""
    given = {key: value.strip() for key, value in values.items() if value.strip()}
    try:
        return check_custom_fields(given)
    except TextRefused as refusal:
        raise forms.ValidationError(str(refusal)) from refusal
