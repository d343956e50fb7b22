"""How instants, ages, counts, money and outside text are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from billing.pages.audit.fields import Line, lines_of
from billing.pages.templatetags import countersign as words

NOON = datetime(2026, 11, 20, 15, 2, 11, tzinfo=timezone(timedelta(hours=1)))


def test_instants_are_written_in_utc() -> None:
    stamp = '<time datetime="2026-11-20T14:02:11Z">'
    assert words.instant(NOON) == f"{stamp}2026-11-20 14:02 UTC</time>"
    assert words.instant_seconds(NOON) == f"{stamp}2026-11-20 14:02:11 UTC</time>"
    assert words.instant_cell(NOON) == f"{stamp}2026-11-20 14:02:11</time>"
    assert words.day(NOON) == '<time datetime="2026-11-20">2026-11-20</time>'
    assert words.day(date(2026, 1, 2)) == '<time datetime="2026-01-02">2026-01-02</time>'
    assert words.instant(None) == words.day(None) == '<span class="quiet">—</span>'


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "—"),
        (-3, "0 s"),
        (8.9, "8 s"),
        (59, "59 s"),
        (60, "1 min"),
        (47 * 60, "47 min"),
        (3_600, "1 h"),
        (9_000, "2 h 30 min"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
        (1_000 * 86_400, "1,000 d"),
    ],
)
def test_ages_have_two_units_at_most(seconds: float | None, shown: str) -> None:
    assert words.duration(seconds) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "drawn"),
    [
        ("69297.46", "EUR", "69,297.46"),
        ("-1250", "USD", "−1,250.00"),
        ("1204350", "JPY", "1,204,350"),
        ("18000", "credits", "18,000"),
        ("0", "KWD", "0.000"),
        ("1.5", "compute units", "1.5"),
        ("1.5", "TKN", "1.5"),
        ("7", "GPU", "7"),
        ("1.234", "OMR", "1.234"),
        ("1.2", "IQD", "1.200"),
        ("1500", "XOF", "1,500"),
        ("1500", "UGX", "1,500"),
        ("1.2345", "CLF", "1.2345"),
        ("0.333333", "USD", "0.333333"),
        ("1.50", "JPY", "1.5"),
    ],
)
def test_money_keeps_its_currencys_decimals(amount: str, currency: str, drawn: str) -> None:
    assert words.money(amount, currency) == (
        f'<data class="money" value="{amount}"><abbr>{currency}</abbr> <span>{drawn}</span></data>'
    )


def test_a_pricing_units_name_is_escaped() -> None:
    assert "<abbr>&lt;b&gt;</abbr>" in words.money("1", "<b>")


@pytest.mark.parametrize(
    ("alias", "drawn", "said"),
    [
        ("plain", '<span class="key">plain</span>', []),
        ("end ", '<span class="key">end<span class="sp"> </span></span>', ["ends with a space"]),
        ("  both\t", '<span class="key"><span class="sp">  </span>both<span class="sp">\t</span></span>',
         ["starts with 2 spaces", "ends with a space"]),
        ("   ", '<span class="key"><span class="sp">   </span></span>', ["is nothing but spaces"]),
        ("a\u200bb", '<span class="key">a\u200bb</span>', ["holds an invisible character"]),
        ("a\xa0b", '<span class="key">a\xa0b</span>', ["holds a space that is not an ordinary one"]),
        ("<i>", '<span class="key">&lt;i&gt;</span>', []),
    ],
)  # fmt: skip
def test_an_alias_is_drawn_to_the_byte_and_its_oddities_are_said(
    alias: str, drawn: str, said: list[str]
) -> None:
    assert words.key(alias) == drawn
    assert words.oddities(alias) == said


def test_counts_agree_with_their_nouns() -> None:
    assert words.counted(1, "alias", "aliases") == "1 alias"
    assert words.counted(2_000, "alias", "aliases") == "2,000 aliases"
    assert words.counted(0, "request") == "0 requests"
    assert words.count(1_380) == "1,380"


def test_an_event_shows_the_fields_that_differ_status_first() -> None:
    old = {"status": "submitted", "name": "A", "same": 1}
    new = {
        "name": "B",
        "same": 1,
        "status": "approved",
        "steps": [{"role": "manager", "people": 1}],
        "held": True,
    }

    assert lines_of(old, new) == [
        Line("", "submitted", "approved"),
        Line("name", "A", "B"),
        Line("steps", "", "role manager, people 1"),
        Line("held", "", "yes"),
    ]
    assert lines_of(None, None) == []
    assert lines_of(None, {str(number): number for number in range(1, 9)})[3] == Line(
        "and 5 more fields", "", ""
    )
    assert lines_of({}, {"text": "x" * 200}) == [Line("text", "", "x" * 120 + "…")]


def test_the_clock_leaves_out_today() -> None:
    now = datetime.now(UTC)
    assert words.clock(now).endswith(f">{now:%H:%M:%S} UTC</time>")
