"""What a folder holds is found by walking it, and two that call themselves the same are refused."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from billing.changes.asking.kinds import KINDS
from billing.metronome.operations import OPERATIONS
from billing.walking import found_in


class Tool:
    name: ClassVar[str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Makes a package of files, each a path and its text; it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(**files: str) -> str:
        for path in ("walked", *(f"walked/{name}" for name in ("wood", "iron"))):
            (tmp_path / path).mkdir()
            (tmp_path / path / "__init__.py").touch()
        for name, text in files.items():
            (tmp_path / "walked" / f"{name.replace('__', '/')}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return "walked"

    yield make
    for name in [name for name in sys.modules if name.split(".")[0] == "walked"]:
        del sys.modules[name]


def tool(name: str) -> str:
    named = f"name = {name!r}" if name else "pass"
    return f"from tests.test_walking import Tool\nclass Made(Tool):\n    {named}\n"


def test_each_class_with_a_name_is_found_where_it_is_made(package: Callable[..., str]) -> None:
    inherits = "from walked.wood.saw import Made\n"
    made = package(wood__saw=tool("wood.saw"), iron__hammer=inherits + tool("iron.hammer"), base=tool(""))

    assert {name: type(each).__module__ for name, each in found_in(made, Tool).items()} == {
        "iron.hammer": "walked.iron.hammer",
        "wood.saw": "walked.wood.saw",
    }


def test_two_of_one_name_are_refused(package: Callable[..., str]) -> None:
    made = package(wood__saw=tool("wood.saw"), iron__saw=tool("wood.saw"))

    with pytest.raises(
        ValueError, match=r"walked\.wood\.saw calls itself wood\.saw, as walked\.iron\.saw does"
    ):
        found_in(made, Tool)


@pytest.mark.parametrize("things", [KINDS, OPERATIONS], ids=["kinds", "operations"])
def test_a_name_leads_to_its_folder(things: dict[str, object]) -> None:
    assert len(things) >= 4
    for name, each in things.items():
        assert name.split(".")[0] == type(each).__module__.split(".")[-2]
