"""One folded form of text: Python and PostgreSQL agree on it, and people would agree with both."""

from __future__ import annotations

import random
import unicodedata

import pytest
from django.db import connection

from billing.lists.text import folded, in_order, skeleton, unspaced_runs

EVERY_CHARACTER = [
    letter
    for letter in map(chr, range(1, 0x110000))
    if unicodedata.category(letter) not in ("Cs", "Cn", "Co")
]


def in_sql(function: str, texts: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {function}(x) FROM unnest(%s::text[]) WITH ORDINALITY t(x, n) ORDER BY n",  # noqa: S608
            [texts],
        )
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "ours"), [("billing_folded", folded), ("billing_skeleton", skeleton)])
def test_python_and_postgresql_agree_on_every_character(name: str, ours) -> None:
    texts = [f"a{letter}b" for letter in EVERY_CHARACTER]

    assert [
        (text, sql) for text, sql in zip(texts, in_sql(name, texts), strict=True) if sql != ours(text)
    ] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "ours"), [("billing_folded", folded), ("billing_skeleton", skeleton)])
def test_python_and_postgresql_agree_on_texts_of_mixed_characters(name: str, ours) -> None:
    dice = random.Random(8)
    mixed = [c for c in EVERY_CHARACTER if ord(c) < 0x3200 or unicodedata.combining(c)]
    texts = ["".join(dice.choices(mixed, k=dice.randint(1, 24))) for _ in range(8_000)]
    texts += ["x" * 400, "\ufdfa" * 160, " \u200b \u00a0", "\u1112\u1161\u11ab", "A\u0308\u0301 \t\n b"]

    assert [
        (text, sql) for text, sql in zip(texts, in_sql(name, texts), strict=True) if sql != ours(text)
    ] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "Mu\u0308ller"),
        ("Müller Spedition", "muller spedition"),
        ("Éclair SARL", "eclair sarl"),
        ("Straße & Söhne", "strasse & sohne"),
        ("STRASSE", "straße"),
        ("Đorđe Žižić", "dorde zizic"),
        ("Łódź Øre Æther Þór", "lodz ore aether thor"),
        ("İstanbul ışık", "istanbul isik"),
        ("ＦＵＬＬＷＩＤＴＨ Trading", "fullwidth trading"),
        ("ﬁnance", "finance"),
        (" Leading Space Inc", "leading space inc"),
        ("Acme  Double\u00a0Space\n", "acme double space"),
        ("Line\nBreak", "line break"),
        ("Zero\u200bWidth", "zerowidth"),
        ("zeb\u20111", "ZEB-1"),
        ("O’Reilly", "o'reilly"),
        ("“Quoted”", '"quoted"'),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Ёлка", "елка"),
        ("أحمد", "احمد"),
        ("ｶﾞｽ", "ガス"),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국"),
        ("No.²", "no.2"),
        ("soft\u00adhyphen", "softhyphen"),
        ("\u202eturned\u202c", "turned"),
    ],
)
def test_what_people_call_the_same_folds_to_one_form(one: str, other: str) -> None:
    assert folded(one) == folded(other)
    assert folded(folded(one)) == folded(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("か", "が"), ("Acme 1", "Acme 2"), ("a-b", "a_b"), ("ab", "a b"), ("हिन्दी", "हन्द"), ("กิน", "กน")],
)
def test_what_people_call_different_stays_so(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme", "Асme"),
        ("ACME", "АСМЕ"),
        ("paypal", "раураl"),
        ("acme-I", "acme-l"),
        ("acme-1", "acme-l"),
        ("B0B", "BOB"),
        ("modern", "modem"),
        ("Οmega", "Omega"),
        ("Case-Alias", "case-alias"),
        ("zeb-1", "zeb‑1"),
    ],
)
def test_what_an_eye_takes_for_one_has_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other) or folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("Mail Co", "Mall Co"), ("MAIL", "MALL"), ("acme-2", "acme-3")])
def test_what_an_eye_tells_apart_has_two(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_order_is_by_folded_form_then_by_the_text_itself() -> None:
    assert in_order(["Zephyr", "Ökotech", "Ålesund", "eclair", "Éclair", "Đorđe", "Adler", "Ost"]) == [
        "Adler",
        "Ålesund",
        "Đorđe",
        "eclair",
        "Éclair",
        "Ökotech",
        "Ost",
        "Zephyr",
    ]


def test_runs_of_letters_without_spaces_between_words() -> None:
    assert unspaced_runs("Kitsune 株式会社 東 ｶﾞｽ会") == ["株式会社", "ガス会"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ernst/Young Partners", ["ernst", "young", "partners"]),
        ("Region-51 Aero", ["region", "51", "aero"]),
        ("Deal 2026-11 Holdings", ["deal", "2026", "11", "holdings"]),
        ("CVE-2026-2332 Labs", ["cve", "2026", "2332", "labs"]),
        ("foo@bar.com", ["foo", "bar", "com"]),
        ("O’Reilly & Sons", ["o", "reilly", "sons"]),
        ("東京電力 Ltd", ["東", "京", "電", "力", "ltd"]),
        ("snake_case", ["snake", "case"]),
        ("!!! — …", []),
        ("", []),
    ],
)
def test_a_word_ends_at_all_but_letters_and_digits(text: str, words: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_words(billing_folded(%s))", [text])
        assert cursor.fetchone()[0] == words


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hal log", "'hal':* & 'log':*"),
        ("CR-1000", "'cr' & '1000':*"),
        ("cr-1000 hal", "'cr' & '1000':* & 'hal':*"),
        ("O’Rei", "'o' & 'rei':*"),
        ("hal - log", "'hal':* & 'log':*"),
        ("hal-", "'hal':*"),
        ("東京", "'東':* & '京':*"),
        ("' | !a & 'b", "'a':* & 'b':*"),
        ("%", None),
        ("", None),
    ],
)
def test_words_are_wanted_as_beginnings_but_whole_where_a_sign_joins_them(
    text: str, wanted: str | None
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_words_wanted(billing_folded(%s))::text", [text])
        assert cursor.fetchone()[0] == wanted


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["Ökotech  ÆØÐ", "  ``Halcyon``\t—“x” ", "ﬀ" * 400, "a" * 400, "株式 ｶﾞｽ", "\u00ad", "ǅ ß ſ İ", ""]
)
def test_a_whole_folded_text_goes_on_where_a_folded_one_ends(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_folded_whole(%s), billing_folded(%s)", [text, text])
        whole, cut = cursor.fetchone()
    assert whole[:300] == cut == folded(text)
