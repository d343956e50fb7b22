"""What a form says of what was entered wrongly: what to do, in one place for the fields of all kinds."""

from __future__ import annotations

from django import forms

WORDS: tuple[tuple[type[forms.Field], dict[str, str]], ...] = (
    (
        forms.Field,
        {
            "required": "Fill this in.",
            "null_characters_not_allowed": "It has a character that can’t be sent (U+0000): take it out.",
            "max_length": "It has %(show_value)s characters: shorten it to %(limit_value)s.",
            "min_length": "It has %(show_value)s characters: make it at least %(limit_value)s.",
            "max_value": "Enter at most %(limit_value)s.",
            "min_value": "Enter at least %(limit_value)s.",
        },
    ),
    (forms.IntegerField, {"invalid": "Enter a whole number, in digits."}),
    (forms.DecimalField, {"invalid": "Enter a number, with a dot before its decimals."}),
    (
        forms.ChoiceField,
        {
            "required": "Choose one.",
            "invalid_choice": "That is not offered, or not any more. Choose one of those that are.",
        },
    ),
    (
        forms.MultipleChoiceField,
        {
            "required": "Choose at least one.",
            "invalid_list": "Choose from those that are offered.",
            "invalid_choice": "Something that you chose is not offered, or not any more. Choose again.",
        },
    ),
    (forms.BooleanField, {"required": "Tick this to go on."}),
)
"""The most special last."""


def in_our_words(field: forms.Field) -> None:
    """Replace what Django would say; what a field or its class says itself stays."""
    ours = {code: said for kind, words in WORDS if isinstance(field, kind) for code, said in words.items()}
    for code, said in ours.items():
        if field.error_messages.get(code) in _of_django(field, code):
            field.error_messages[code] = said


def _of_django(field: forms.Field, code: str) -> list[object]:
    """What Django says for this code; nothing at all where its validator speaks by itself."""
    classes = [each for each in type(field).__mro__ if each.__module__.startswith("django.")]
    said = [vars(each).get("default_error_messages", {}).get(code) for each in classes]
    return [words for words in said if words is not None] or [None]
