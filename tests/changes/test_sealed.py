"""The sealed text: one text for one content, in whatever order it came, and it reads back as what it was."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.changes.sealed import NotSealable, canonical, digest_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
CONTENTS = st.dictionaries(TEXTS, VALUES, max_size=6)


def turned_around(value: Any) -> Any:
    """The same value with the keys of each object in the opposite order."""
    if isinstance(value, dict):
        return {key: turned_around(inner) for key, inner in reversed(value.items())}
    return [turned_around(inner) for inner in value] if isinstance(value, list) else value


@given(CONTENTS)
def test_a_content_has_one_text_whatever_the_order_of_its_keys(content: dict[str, Any]) -> None:
    assert canonical(turned_around(content)) == canonical(content)


@given(CONTENTS)
def test_a_text_reads_back_as_its_content_and_makes_the_same_text_again(content: dict[str, Any]) -> None:
    text = canonical(content)

    assert json.loads(text) == content
    assert canonical(json.loads(text)) == text
    assert "\n" not in text
    assert digest_of(text) == hashlib.sha256(text.encode()).hexdigest()


@given(CONTENTS, CONTENTS)
def test_two_contents_have_one_text_only_when_they_are_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    """JSON tells true from 1, as Python does not; repr does."""
    ordered = [repr(json.loads(canonical(each))) for each in (one, other)]

    assert (canonical(one) == canonical(other)) == (ordered[0] == ordered[1])


def test_the_text_is_to_the_byte_what_the_digest_runs_over() -> None:
    text = canonical({"name": "Müller & Söhne “東”", "b": [True, None, -1], "a": {"z": "1/3", "y": ""}})

    assert text == '{"a":{"y":"","z":"1/3"},"b":[true,null,-1],"name":"Müller & Söhne “東”"}'
    assert digest_of(text) == "41dbdc4b6814630e9a8752834690d3d043e5883c70e05f739be8a2c5222bf40f"


def test_texts_that_look_alike_are_not_the_same() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"

    assert canonical({"name": composed}) != canonical({"name": decomposed})


@given(st.floats())
def test_a_float_is_never_sealed_however_deep_it_lies(number: float) -> None:
    with pytest.raises(NotSealable, match=r"^\$\.calls\[0\]\.amount is a float; money and rates"):
        canonical({"calls": [{"amount": number}]})


@given(TEXTS, st.characters(categories=["Cs"]) | st.just("\0"), TEXTS)
def test_half_characters_and_nul_are_never_sealed(before: str, odd: str, after: str) -> None:
    with pytest.raises(NotSealable, match=r"^\$\.name holds a character that can't be stored"):
        canonical({"name": before + odd + after})
    with pytest.raises(NotSealable, match=r"^a key of \$ holds a character that can't be stored"):
        canonical({before + odd + after: 1})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"at": {1: "x"}}, "$.at has a key that is not text"),
        ({"at": (1, 2)}, "$.at is a tuple"),
        ({"at": b"x"}, "$.at is a bytes"),
        ({"at": [{"to": {"x"}}]}, "$.at[0].to is a set"),
    ],
)
def test_what_json_does_not_know_is_refused_with_its_place(content: dict[str, Any], sentence: str) -> None:
    with pytest.raises(NotSealable) as refusal:
        canonical(content)

    assert str(refusal.value) == sentence
