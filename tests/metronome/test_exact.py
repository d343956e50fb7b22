"""JSON to the last digit, however it is spelt."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from billing.metronome.exact import packed, packed_rows, parsed_json, skimmed_json

ROWS = [
    {"name": "Bäckerei", "price": Decimal("0.1"), "some": [1, None, True, {"a": "“b”"}]},
    {"name": "x"},
]


def texts_of(body: str) -> list[bytes]:
    return packed_rows(skimmed_json(body.encode())["data"], body.encode())


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_a_row_has_one_text_however_it_is_spelt(separators: tuple[str, str], ensure_ascii: bool) -> None:
    rows = [ROWS[0] | {"price": 0.1}, ROWS[1]]
    body = json.dumps({"data": rows, "next_page": None}, separators=separators, ensure_ascii=ensure_ascii)

    assert texts_of(body) == [packed(row) for row in ROWS]
    assert b" " not in packed(ROWS[0])


@pytest.mark.parametrize(
    "number", ["0.10", "1.00000000000000000001", "123456789012345678901234567890", "1e400", "-0.0", "1E5"]
)
def test_no_number_loses_a_digit(number: str) -> None:
    (text,) = texts_of(f'{{"data":[{{"price":{number}}}]}}')

    assert json.loads(text, parse_float=str, parse_int=str)["price"] in (number, str(Decimal(number)))
    assert parsed_json(text) == parsed_json(f'{{"price":{number}}}'.encode())


@pytest.mark.parametrize("name", ["half \ud800", "NUL \x00", "2"])
def test_a_text_that_no_database_holds_is_written_all_the_same(name: str) -> None:
    body = json.dumps({"data": [{"name": name}]})

    assert [parsed_json(text) for text in texts_of(body)] == [{"name": name}]


def test_what_is_nested_without_end_is_refused() -> None:
    body = b'{"data":[' + b"[" * 5_000 + b"]" * 5_000 + b"]}"

    with pytest.raises(ValueError, match="nested too deeply"):
        packed_rows(skimmed_json(body)["data"], body)


def test_what_is_nested_deeply_is_read() -> None:
    deep = "[" * 400 + "]" * 400

    assert texts_of(f'{{"data": [{deep}]}}') == [deep.encode()]
