"""Form fields for what Metronome takes: names, ingest aliases and custom fields, with its limits."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.metronome.text import TextRefused, check_aliases, check_custom_fields, check_name


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
            return check_name(text)
        except TextRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class AliasesField(forms.CharField):
    """Ingest aliases, one a line. Spaces at either end are part of an alias; empty lines are skipped."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "Ingest aliases")
        kwargs.setdefault(
            "help_text",
            "One a line, 1 to 128 characters each, up to 2,000. Capitals and spaces at either end count.",
        )
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "wrap": "off"}))
        super().__init__(strip=False, **kwargs)

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value)
        lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line]
        if self.required and not lines:
            raise forms.ValidationError("Enter at least one alias.", code="required")
        try:
            return check_aliases(lines)
        except TextRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value


def clean_custom_fields(values: dict[str, str]) -> dict[str, str]:
    """The custom fields that were filled in. Raises forms.ValidationError for one Metronome would refuse."""
    given = {key: value.strip() for key, value in values.items() if value.strip()}
    try:
        return check_custom_fields(given)
    except TextRefused as refusal:
        raise forms.ValidationError(str(refusal)) from refusal
