"""The one form in which texts are compared: what people mean by "the same", for search, order and cautions.

The exact bytes are what is stored, shown and sent; a folded form is only ever compared. PostgreSQL folds rows
(`billing_folded`, `billing_words`, `billing_skeleton` in the migrations), Python folds what is typed, and
`tests/lists/test_text.py` holds that they agree on every character. Changing a table here takes a migration.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.contrib.postgres.search import SearchVectorField
from django.db import connection
from django.db.models import BooleanField, Func, TextField

LONGEST_FOLDED = 300
"""Characters kept of a folded text: an index entry has to fit a page, whatever Metronome sends."""


def _characters(ranges: str) -> str:
    """The characters of `0041 0061-0063`, in hexadecimal."""
    ends = [[int(end, 16) for end in part.split("-")] for part in ranges.split()]
    return "".join(chr(number) for pair in ends for number in range(pair[0], pair[-1] + 1))


MARKS = _characters(
    "0300-036f 0483-0489 0591-05bd 05bf 05c1-05c2 05c4-05c5 05c7 0610-061a 0640 064b-065f 0670 06d6-06dc "
    "06df-06e4 06e7-06e8 06ea-06ed 1ab0-1aff 1dc0-1dff 20d0-20ff fe20-fe2f"
)
"""Marks of Latin, Greek, Cyrillic, Hebrew and Arabic, which people leave out; Indic ones are vowels."""
UNSEEN = _characters(
    "00ad 061c 115f-1160 17b4-17b5 180b-180f 200b-200f 202a-202e 2060-206f 3164 fe00-fe0f feff ffa0 "
    "fff9-fffc 1bca0-1bca3 1d173-1d17a e0000-e007f e0100-e01ef"
)
SPACES = _characters("0001-001f 007f-00a0 1680 2000-200a 2028-2029 202f 205f 2800 3000")
DASHES = _characters("058a 05be 1806 2010-2015 2043 207b 208b 2212 2e3a-2e3b 10ead")
QUOTES = _characters("2018-201b 2032 2035 02b9 02bb-02bd 02c8 0060")
DOUBLE_QUOTES = _characters("201c-201f 2033 00ab 00bb")
LETTERS = {
    **dict(
        zip(
            "đðħıĸłŋøŧƀƃɓƈƌɖɗƒǥɠɨƙƚɫƞɲɵƥƭʈʉʋƴƶȥⱥȼɇɉɍɏꝁⱦ",
            "ddhiklnotbbbcdddfggikllnnopttuvyzzacejrykt",
            strict=True,
        )
    ),
    **{"æ": "ae", "œ": "oe", "þ": "th"},
}
"""Letters that Unicode does not take apart, as people type them elsewhere (ß is ss by case folding)."""
LOOK_ALIKES = dict(
    zip(
        "Il10АВЕЅІЈКМНОРСТУХҮԌԚԜӀаеѕіјорсухһԁԛԝӏүΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹαινορυϲϳ",
        "|||OABES|JKMHOPCTYXYGQW|aesijopcyxhdqw|yABEZH|KMNOPTYXCaivopucj",
        strict=True,
    )
)
"""The core of UTS #39's table: strokes (`|`), and Cyrillic and Greek letters that are drawn like Latin ones.

Most of its 6,000 rows are compatibility forms, which folding makes one anyway. The libraries that carry the
whole table say whether a text mixes scripts; they have no skeleton, and no counterpart in PostgreSQL.
"""
UNSPACED = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Letters of scripts that leave no space between words, as a regular expression's ranges: each is a word."""

_AS_TYPED = str.maketrans(
    {
        **dict.fromkeys(UNSEEN + "\u034f"),
        **dict.fromkeys(SPACES, " "),
        **dict.fromkeys(DASHES, "-"),
        **dict.fromkeys(QUOTES, "'"),
        **dict.fromkeys(DOUBLE_QUOTES, '"'),
    }
)
_AS_FOLDED = _AS_TYPED | dict.fromkeys(map(ord, MARKS)) | {ord(one): two for one, two in LETTERS.items()}
_AS_LOOKS = str.maketrans(LOOK_ALIKES)
_UNSPACED_RUN = re.compile(f"[{UNSPACED}]{{2,}}")


def folded(text: str) -> str:
    """The text as people compare it, at most 300 characters.

    Without case, accents, compatibility forms and unseen characters; one kind of dash, of quote and of space,
    no space at the ends. PostgreSQL also has `billing_folded_whole`, the same without an end.
    """
    caseless = unicodedata.normalize("NFKD", text).casefold()
    plain = unicodedata.normalize("NFKD", caseless).translate(_AS_FOLDED)
    return unicodedata.normalize("NFC", re.sub(" +", " ", plain).strip(" "))[:LONGEST_FOLDED]


def like_beginning(text: str) -> str:
    """The pattern that LIKE takes for what begins with a text."""
    return connection.ops.prep_for_like_query(text) + "%"


def as_typed(text: str) -> str:
    """The text as a screen shows it and a keyboard gives it, in full: capitals, accents and letters count."""
    letters = unicodedata.normalize("NFKC", text)
    drawn = "".join(one for one in letters if one.isspace() or unicodedata.category(one) not in ("Cc", "Cf"))
    return re.sub(" +", " ", drawn.translate(_AS_TYPED)).strip(" ")


def skeleton(text: str) -> str:
    """What the text looks like: equal for two that an eye takes for one (UTS #39). For cautions only."""
    return folded(unicodedata.normalize("NFKD", text).translate(_AS_LOOKS)).replace("rn", "m")


def unspaced_runs(text: str) -> list[str]:
    """The runs of two or more letters of scripts without spaces, such as `株式会社`."""
    return _UNSPACED_RUN.findall(folded(text))


def in_order(texts: Iterable[str]) -> list[str]:
    """The texts as lists order them: by folded form, then as they are."""
    listed = list(texts)
    return listed if len(listed) < 2 else sorted(listed, key=lambda text: (folded(text), text))


class Folded(Func):
    """`folded` in PostgreSQL."""

    function = "billing_folded"
    output_field = TextField(db_collation="C")


class FoldedWhole(Func):
    """`folded` in PostgreSQL, without its end: for texts that are cut into words, never for an index."""

    function = "billing_folded_whole"
    output_field = TextField(db_collation="C")


class Skeleton(Func):
    """`skeleton` in PostgreSQL."""

    function = "billing_skeleton"
    output_field = TextField(db_collation="C")


class Words(Func):
    """The words of a folded text, cut at all but letters and digits, as `WordsWanted` looks them up."""

    template = "array_to_tsvector(billing_words(%(expressions)s))"
    output_field = SearchVectorField()


class RecordWords(Func):
    """The words of an audit event's texts, names and ids, folded whole."""

    function = "billing_record_words"
    output_field = SearchVectorField()


class WordsWanted(Func):
    """A tsquery for every word of a folded text as the beginning of a word; NULL when it has none.

    A word that a sign joins to the next is whole: `cr-1000` wants `cr` itself, and what begins with `1000`.
    """

    function = "billing_words_wanted"
    output_field = TextField()


class HasWords(Func):
    """Whether words are among those of a text: `name_words @@ …`."""

    template = "(%(expressions)s)"
    arg_joiner = " @@ "
    output_field = BooleanField()


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 customer`, `1,380 customers`, `2 aliases`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
