"""No piece of a cell is a formula, whatever a spreadsheet splits at; and every cell reads back exactly."""

from __future__ import annotations

import re
import unicodedata

import pytest
from django.db import connection
from django.db.models.expressions import RawSQL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.audit.models import AuditEvent
from billing.lists.formulas import ENDS, SIGNS, UNSEEN, Defused, as_written

pytestmark = pytest.mark.django_db

SEPARATORS = [";", ",", "\t", "|", "\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029", "\uff1b"]
BLANKS = [*' "\xa0\xad\u200b\ufeff\u202e\u2066\u3164\x01\U000e0020\ue000']
HOSTILE = st.text(st.sampled_from([*SEPARATORS, *BLANKS, *"'=+-@a1＝＋－＠\u2212\ufe66"]), max_size=30)
ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


def cells(texts: list[str]) -> list[str]:
    """What PostgreSQL writes for the texts, in their order; the same whichever way a cell is guarded."""
    quick, plain = (_cells(texts, is_cheap=is_cheap) for is_cheap in (True, False))
    assert quick == plain
    return quick


def _cells(texts: list[str], *, is_cheap: bool) -> list[str]:
    compiler = AuditEvent.objects.all().query.get_compiler(connection=connection)
    guard, params = compiler.compile(Defused(RawSQL("given.text", ()), is_cheap=is_cheap))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {guard} FROM unnest(%s::text[]) WITH ORDINALITY AS given(text, place) ORDER BY place",  # noqa: S608
            [*params, texts],
        )
        return [row[0] for row in cursor.fetchall()]


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


def test_postgresql_and_python_read_the_same_pattern() -> None:
    places = [*range(1, 0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1001), 0xFFFFF, 0x10FFFF]
    texts = [f"{chr(place)}=1" for place in places]

    assert [as_written(cell) for cell in cells(texts)] == texts


def test_a_long_hostile_text_reads_back_exactly() -> None:
    texts = [sign * 100_000 for sign in ("'", " ", ";", "=", "\n", ";'")]

    assert [as_written(cell) for cell in cells(texts)] == texts
