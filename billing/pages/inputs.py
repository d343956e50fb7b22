"""The fields of a list's filter, drawn in one pass: in a template a form of six took a millisecond."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from billing.pages.markup import format_html
from billing.pages.templatetags.countersign import options

FIELD = """
<div{look}><label for="by-{{name}}">{{label}}</label><input id="by-{{name}}" name="{{name}}" value="{{value}}"
  placeholder="{{hint}}" title="{{title}}" maxlength="400"{more}></div>"""
FIELDS = {
    "search": FIELD.format(look=' class="grow"', more=' type="search"'),
    "text": FIELD.format(look=' class="grow"', more=""),
    "day": FIELD.format(look="", more=' size="9" inputmode="numeric"'),
    "choice": """
<div><label for="by-{name}">{label}</label><select id="by-{name}" name="{name}">{options}</select></div>""",
}
"""How each look of a field is drawn."""
Choices = tuple[tuple[Any, Any], ...]
"""Pairs of value and words, or of the name of a group and its pairs."""


@dataclass(frozen=True, slots=True)
class Input:
    """One field of the filter's form, by its name in the address. look: search, text, day or choice.

    any: what a choice says when nothing is chosen; empty where its first one is meant then.
    """

    name: str
    label: str
    look: str = "text"
    choices: Callable[[], Iterable[tuple[Any, Any]]] = tuple
    any: str = "Any"
    hint: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of the form as an address fills it."""

    field: Input
    value: str
    choices: Choices

    @property
    def words(self) -> str:
        """What is asked for, as a chip says it."""
        return next((words for value, words in _flat(self.choices) if str(value) == self.value), self.value)

    @property
    def drawn(self) -> SafeString:
        """The field with its label."""
        field = self.field
        return format_html(
            FIELDS[field.look],
            name=field.name,
            label=field.label,
            value=self.value,
            hint=field.hint,
            title=field.title,
            options=_options(field.any, self.choices, self.value) if field.look == "choice" else "",
        )


def asked(inputs: Iterable[Input], given: Mapping[str, str]) -> list[Asked]:
    """The fields of a filter's form, each with what the address says."""
    return [Asked(each, given.get(each.name, ""), tuple(each.choices())) for each in inputs]


@lru_cache(1_000)
def _options(nothing: str, choices: Choices, chosen: str) -> SafeString:
    """What a choice offers; a group of choices has a tuple of them in the place of its words."""
    drawn = [format_html('<option value="">{}</option>', nothing)] if nothing else []
    drawn += [
        options([(value, words)], chosen, 60)
        if isinstance(words, str)
        else format_html('<optgroup label="{}">{}</optgroup>', value, options(words, chosen))
        for value, words in choices
    ]
    return mark_safe("".join(drawn))  # noqa: S308 each is escaped


def _flat(choices: Choices) -> Iterable[tuple[Any, str]]:
    for value, words in choices:
        yield from ((value, words),) if isinstance(words, str) else words
