"""Names, aliases and custom fields: what may be sent."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.metronome.text import (
    TextRefused,
    check_alias,
    check_aliases,
    check_custom_fields,
    check_name,
    is_shortened_form,
    utf16_units,
)


@given(st.text())
def test_an_accepted_name_is_what_the_limits_promise(text: str) -> None:
    try:
        name = check_name(text)
    except TextRefused:
        return

    assert 1 <= utf16_units(name) <= 160
    assert name == name.strip() == unicodedata.normalize("NFC", name)
    assert check_name(name) == name
    name.encode("utf-8")


@given(st.text())
def test_an_accepted_alias_is_exactly_what_was_entered(text: str) -> None:
    try:
        assert check_alias(text) == text
    except TextRefused:
        return
    assert 1 <= len(text) <= 128


@pytest.mark.parametrize("bad", ["", "   ", "a" * 161, "💶" * 81, "nul\x00", "bell\x07", "half\ud800"])
def test_a_name_that_cannot_be_sent_is_refused(bad: str) -> None:
    with pytest.raises(TextRefused):
        check_name(bad)


def test_spaces_at_an_end_are_part_of_an_alias_and_repeats_are_refused() -> None:
    assert check_aliases(["a", "a ", " a"]) == ["a", "a ", " a"]
    with pytest.raises(TextRefused, match="twice"):
        check_aliases(["a", "a"])
    with pytest.raises(TextRefused, match="2,001"):
        check_aliases([f"alias-{number}" for number in range(2_001)])


def test_a_long_custom_field_is_refused_by_its_key() -> None:
    assert check_custom_fields({"owner": "x" * 200}) == {"owner": "x" * 200}
    for value, words in (("\u200b\u200b", "can’t be seen"), ("abc\u202edef", "turns the text around")):
        with pytest.raises(TextRefused, match=words):
            check_custom_fields({"owner": value})
    with pytest.raises(TextRefused, match="owner"):
        check_custom_fields({"owner": "x" * 201})


def test_only_a_long_prefix_counts_as_shortened_by_metronome() -> None:
    ours = "b" * 160

    assert is_shortened_form(ours[:159], ours)
    assert is_shortened_form(ours[:40], ours)
    assert not is_shortened_form(ours[:39], ours)
    assert not is_shortened_form(ours, ours)
