"""Aliases as they are typed: what is wrong is told line by line, all at once."""

from __future__ import annotations

import json

import pytest
from django import forms

from billing.changes.asking.kinds.customer.fields import MOST_TOLD, AliasesField
from billing.changes.asking.kinds.customer.held import refuse_held_aliases
from billing.changes.asking.kinds.customer.realias import ReplaceAliasesForm
from billing.changes.refusals import BadInput
from tests.pages.conftest import add_customer


def problems(text: str) -> list[str]:
    with pytest.raises(forms.ValidationError) as refusal:
        AliasesField().clean(text)
    return refusal.value.messages


def test_every_line_with_something_wrong_is_named_at_once() -> None:
    long = "x" * 129

    assert problems(f"fine\n{long}\n\nfine\n\u200b") == [
        f"Line 2: The alias “{'x' * 40}…” has 129 characters; 128 is the limit.",
        "Line 4: “fine” is there twice.",
        "Line 5: An alias has nothing but characters that can’t be seen.",
    ]


def test_a_line_alone_needs_no_number() -> None:
    assert problems("x" * 129) == [f"The alias “{'x' * 40}…” has 129 characters; 128 is the limit."]


def test_so_many_are_told_and_the_rest_counted() -> None:
    told = problems("\n".join(["same"] * (MOST_TOLD + 4)))

    assert len(told) == MOST_TOLD + 1
    assert told[-1] == "And 3 more lines."


@pytest.mark.django_db
def test_all_that_others_hold_is_told_at_once() -> None:
    add_customer("Acme", aliases=["acme-prod", "acme-eu"])

    with pytest.raises(BadInput) as refusal:
        refuse_held_aliases(["acme-prod", "free", "acme-eu"], own_id=None)

    assert refusal.value.message == "“acme-eu” is held by Acme. “acme-prod” is held by Acme."


def test_the_form_tells_what_is_held_only_where_its_text_says_something_else() -> None:
    first = ReplaceAliasesForm(held=["one", "two"], wanted=["one", "two"])
    again = ReplaceAliasesForm(held=["one", "two"], wanted=["one"])
    redrawn = ReplaceAliasesForm({"ingest_aliases": "three"}, held=["one", "two"], wanted=["one", "two"])
    attrs = [each.fields["ingest_aliases"].widget.attrs for each in (first, again, redrawn)]

    assert "data-held" not in attrs[0]
    assert [json.loads(each["data-held"]) for each in attrs[1:]] == [["one", "two"], ["one", "two"]]
