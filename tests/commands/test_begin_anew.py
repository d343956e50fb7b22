"""Reading the mirror anew from a terminal: the same two people as on the page, each by their password."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from billing.control import anew
from billing.control.models import NewBeginning
from tests.pages.conftest import PASSWORD, add_people, open_house

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people() -> None:
    add_people()
    open_house()


def say(tmp_path: Path, username: str, password: str = PASSWORD) -> str:
    path, said = tmp_path / "password", io.StringIO()
    path.write_text(f"{password}\n", encoding="utf-8")
    call_command("begin_anew", username, reason="wiped", password_file=str(path), stdout=said)
    return said.getvalue()


def test_the_first_person_asks_and_the_second_agrees(tmp_path: Path) -> None:
    assert "has to agree within a day" in say(tmp_path, "administrator")
    with pytest.raises(CommandError, match="somebody else has to agree"):
        say(tmp_path, "administrator")
    assert not anew.is_agreed()

    assert "Both agree" in say(tmp_path, "manager")
    assert anew.is_agreed()


@pytest.mark.parametrize(
    ("username", "password", "why"),
    [
        ("administrator", "wrong", "belong to nobody"),
        ("nobody", PASSWORD, "belong to nobody"),
        ("finance", PASSWORD, "Your role may not"),
    ],
)
def test_nobody_else_can_say_so(username: str, password: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=f"Nothing was changed.*{why}"):
        say(tmp_path, username, password)

    assert not NewBeginning.objects.exists()
