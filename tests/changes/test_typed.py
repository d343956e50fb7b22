"""What people read and type: reasons counted as browsers count, names that a keyboard can give."""

from __future__ import annotations

import pytest

from billing.changes.refusals import BadInput
from billing.changes.typed import checked_reason, is_typed, to_type

ID = "3e40c495-43b3-405e-b8c3-447824be4fe3"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_line_end_counts_as_one_character_and_is_kept_as_one(end: str) -> None:
    lines = ["x" * 94] * 21  # with 20 line ends: 1,994 characters

    assert checked_reason(end.join(lines)) == "\n".join(lines)
    assert len(checked_reason(end.join(["x" * 1978, *[""] * 20, "y"]))) == 2_000
    with pytest.raises(BadInput, match="longer than 2,000"):
        checked_reason(end.join(["x" * 1979, *[""] * 20, "y"]))


@pytest.mark.parametrize(
    "reason",
    ["", " \n ", "\u200b", "\u2060\ufeff", "\u3164", "approved \u202edon", "a\u2066b", "a\x00b", "\ud800"],
)
def test_a_reason_that_nobody_can_read_is_refused(reason: str) -> None:
    with pytest.raises(BadInput) as refusal:
        checked_reason(reason)

    assert refusal.value.field == "reason"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Line\nBreak Inc", "Line Break Inc"),
        ("Line\r\nBreak Inc", "Line Break Inc"),
        ("Tab\tbed", "Tab bed"),
        ("Mu\u0308ller", "Müller"),
        ("Müller", "Mu\u0308ller"),
        ("Acme  Double", "Acme Double"),
        ("No\u00a0Break", "No Break"),
        ("Ideo\u3000graphic", "Ideo graphic"),
        ("Zero\u200bWidth Co", "ZeroWidth Co"),
        ("Soft\u00adHyphen", "SoftHyphen"),
        ("\ufeffMark", "Mark"),
        (" Leading ", "Leading"),
        ("ＦＵＬＬ Trading", "FULL Trading"),
        ("ﬁnance", "finance"),
        ("O’Reilly", "O'Reilly"),
        ("Con\x01trol", "Control"),
        ("«Guillemets»", '"Guillemets"'),
        ("Sign\u0600", "Sign"),
        ("Non‑Breaking – Dash", "Non-Breaking - Dash"),
        ("Heart ❤\ufe0f Ltd", "Heart ❤ Ltd"),
        ("\u202eabc", "abc"),
        ("\u200b\u2060", "24be4fe3"),
        ("\u3164", "24be4fe3"),
    ],
)
def test_what_a_keyboard_gives_is_enough(name: str, typed: str) -> None:
    assert is_typed(typed, name, ID)
    assert is_typed(to_type(name, ID), name, ID)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Acme", "acme"),
        ("Müller", "Muller"),
        ("Acme", ""),
        ("Acme", "Acme Inc"),
        ("AcmeInc", "Acme Inc"),
        ("Acme", "24be4fe3"),
        ("\u200b", ""),
        ("\u200b", "\u200b"),
        ("\u200b", " "),
    ],
)
def test_another_name_is_not_enough(name: str, typed: str) -> None:
    assert not is_typed(typed, name, ID)
