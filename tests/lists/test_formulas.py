"""No piece of a cell is a formula, whatever a spreadsheet splits at; and every cell reads back exactly."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.lists import formulas
from billing.lists.formulas import ENDS, SIGNS, UNSEEN, as_written, defused, guarded

pytestmark = pytest.mark.django_db

SEPARATORS = [";", ",", "\t", "|", "\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029", "\uff1b"]
BLANKS = [*' "\xa0\xad\u200b\ufeff\u202e\u2066\u3164\x01\U000e0020\ue000']
HOSTILE = st.text(st.sampled_from([*SEPARATORS, *BLANKS, *"'=+-@a1＝＋－＠\u2212\ufe66"]), max_size=30)
ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


def cells(texts: list[str]) -> list[str]:
    """What a file has for the texts, in their order: the same alone as in a row between other cells."""
    alone, between = _file("text", texts), _file("'id-1', text, NULL, ''", texts)
    assert [row[1] for row in between] == [row[0] for row in alone]
    assert all(row[:1] + row[2:] == ["id-1", "", ""] for row in between)
    return [row[0] for row in alone]


def _file(columns: str, texts: list[str]) -> list[list[str]]:
    asked = f"SELECT {columns} FROM unnest(%s::text[]) WITH ORDINALITY AS given(text, place) ORDER BY place"  # noqa: S608
    with connection.cursor() as cursor, cursor.copy(f"COPY ({asked}) TO STDOUT (FORMAT csv)", [texts]) as out:
        written = b"".join(guarded(out)).decode()
    csv.field_size_limit(1_000_000)
    return list(csv.reader(io.StringIO(written, newline="")))


def pieces(cell: str) -> list[str]:
    """Every beginning that a program may find in the cell, without what it may look past."""
    return [re.sub(f'^[{UNSEEN}"]*', "", piece) for piece in re.split(f"[{ENDS}]", cell)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(HOSTILE | ANY, min_size=1, max_size=40))
def test_no_piece_of_any_text_begins_with_a_sign_and_each_cell_reads_back(texts: list[str]) -> None:
    guarded = cells(texts)

    assert [as_written(cell) for cell in guarded] == texts
    for cell in guarded:
        assert not [piece for piece in pieces(cell) if re.match(f"[{SIGNS}]", piece)]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("x;=1+1;y", "x;'=1+1;y"),
        ("x\n=1+1", "x\n'=1+1"),
        ("a\r\n\r\n+2", "a\r\n\r\n'+2"),
        (" \xa0\u200b=1", " \xa0\u200b'=1"),
        ("\ufeff\u202e@SUM(A1)", "\ufeff\u202e'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        ('x;"=1+1;"', 'x;"\'=1+1;"'),
        ("a|-2|b, + c", "a|'-2|b, '+ c"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("'=1", "''=1"),
        ("''\u200b'=1", "''\u200b''=1"),
        ("\t=1", "'\t'=1"),
        ("\tcmd", "'\tcmd"),
        ("'\ncmd", "''\ncmd"),
        ("-12.50", "'-12.50"),
        ("'quoted'", "'quoted'"),
        ("A=1; b-c, d@e | f+g", "A=1; b-c, d@e | f+g"),
        ("", ""),
        ("𝔸 - ä", "𝔸 - ä"),
    ],
)
def test_the_guard_is_an_apostrophe_right_before_the_sign(text: str, cell: str) -> None:
    assert cells([text]) == [cell]
    assert as_written(cell) == text


def test_every_character_that_draws_nothing_or_means_a_sign_is_known() -> None:
    everything = [chr(number) for number in range(1, 0x110000) if not 0xD800 <= number < 0xE000]
    hidden = {"Cc", "Cf", "Zs", "Zl", "Zp", "Co"}

    unknown = [
        character
        for character in everything
        if unicodedata.category(character) in hidden and not re.match(f"[{UNSEEN}{ENDS}]", character)
    ]
    signs = [c for c in everything if unicodedata.normalize("NFKC", c) in "=+-@\u2212"]

    assert unknown == []
    assert [sign for sign in signs if not re.match(f"[{SIGNS}]", sign)] == []
    assert [
        line for line in everything if len(f"a{line}b".splitlines()) > 1 and not re.match(f"[{ENDS}]", line)
    ] == []


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(HOSTILE | ANY, min_size=1, max_size=40))
def test_a_glance_at_a_row_overlooks_nothing(texts: list[str]) -> None:
    """Each cell of a file is what it would be if each were asked."""
    assert cells(texts) == [defused(text) for text in texts]


def test_many_rows_are_guarded_in_whatever_pieces_they_come() -> None:
    rows = [f"{number},plain\n" if number % 7 else f'{number},"-a""\n"\n' for number in range(9_000)]
    wanted = "".join(rows).replace('"-a', "\"'-a").encode()
    assert len(rows) > 9 * formulas.AT_A_GLANCE

    for each in (1, 2, 7, 9_000):
        pieces = ["".join(rows[start : start + each]).encode() for start in range(0, 9_000, each)]
        assert b"".join(guarded(pieces)) == wanted


def test_rows_without_a_sign_pass_as_they_are() -> None:
    plain = (
        b'CR-000001,2026-11-29T00:00:00.000000Z,"{""a"": 1}",a@b.c,,"",9b85c1c1-5238-4f2a-a409-61412905e1e1\n'
    )

    assert b"".join(guarded([plain] * 3)) == plain * 3


def test_every_character_is_read_back() -> None:
    places = [*range(1, 0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1001), 0xFFFFF, 0x10FFFF]
    texts = [f"{chr(place)}=1" for place in places]

    assert [as_written(cell) for cell in cells(texts)] == texts


def test_a_long_hostile_text_reads_back_exactly() -> None:
    texts = [sign * 100_000 for sign in ("'", " ", ";", "=", "\n", ";'")]

    assert [as_written(cell) for cell in cells(texts)] == texts
