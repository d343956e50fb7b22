"""Every event has its words in one place, and nobody else spells them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter
from uuid import UUID

import pytest
from django.urls import resolve, reverse

from billing.audit.events import WORDS, Event
from billing.audit.groups import GROUPS
from billing.pages.audit.presets import OFFERED

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "billing/audit/events.py"
SYMBOLS = set(re.findall(r'<symbol id="([a-z-]+)"', (ROOT / "static/icons.svg").read_text(encoding="utf-8")))
TONES = {"good", "info", "warn", "bad", "doubt", "plain"}


def test_every_event_and_nothing_else_has_words() -> None:
    assert list(WORDS) == list(Event)
    assert len({event.label for event in Event}) == len(Event)


@pytest.mark.parametrize("event", Event, ids=str)
def test_an_event_is_told_whole(event: Event) -> None:
    words = event.words

    assert words.tone in TONES
    assert words.mark in SYMBOLS
    assert event.label
    assert words.short
    fields = {field for _text, field, _format, _conversion in Formatter().parse(words.sentence) if field}
    assert fields
    assert fields <= {"who", "what"}
    assert words.sentence.endswith(".")
    facts = [field for _text, field, _format, _conversion in Formatter().parse(words.line) if field]
    assert bool(words.line) == bool(facts)
    assert len(facts) <= 1


def test_every_event_is_looked_for_in_a_group_and_no_group_is_called_like_an_event() -> None:
    grouped = {event for group in GROUPS.values() for event in group.events}

    assert grouped == set(Event)
    assert not GROUPS.keys() & set(Event.values)
    assert OFFERED.keys() <= GROUPS.keys()
    assert set(GROUPS["but-sign-ins"].events) | set(GROUPS["sign-ins"].events) == set(Event)


@pytest.mark.parametrize("event", [event for event in Event if event.words.page], ids=str)
def test_an_event_leads_to_a_page_that_a_column_of_its_row_finds(event: Event) -> None:
    found_by = {"": [], "reference": ["CR-000001"], "customer_id": [UUID(int=1)]}[event.words.key]

    resolved = resolve(reverse(event.words.page, args=found_by))

    assert resolved.view_name == event.words.page
    assert [str(value) for value in resolved.kwargs.values()] == [str(value) for value in found_by]


def test_nothing_outside_spells_the_words_of_an_event() -> None:
    """Neither its label or sentence as a text of code or a template, nor a table of texts by event."""
    spelled = {event.label for event in Event} | {words.sentence for words in WORDS.values()}
    wrong = []
    for path in sorted((ROOT / "billing").rglob("*.py")):
        if path == EVENTS or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_spelled = isinstance(node, ast.Constant) and node.value in spelled
            if is_spelled or (isinstance(node, ast.Dict) and any(map(_is_told, node.keys, node.values))):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        wrong += [f"{path.relative_to(ROOT)}: {label}" for label in spelled if label in text]

    assert wrong == []


def _is_told(key: ast.expr | None, value: ast.expr) -> bool:
    """Whether an entry gives an event a text, or several."""
    texts = value.elts if isinstance(value, ast.Tuple) else [value]
    return (
        isinstance(key, ast.Attribute)
        and ast.unparse(key.value) == "Event"
        and any(isinstance(text, ast.Constant) and isinstance(text.value, str) for text in texts)
    )
