"""Stylesheets, scripts and templates as texts: nothing is left over, missing, or too long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STYLES = sorted((ROOT / "static/css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static/js").glob("*.js"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = sorted((ROOT / "billing/pages").rglob("*.py"))
FORMS = sorted((ROOT / "billing/changes/asking/kinds").rglob("*.py"))
HOOKS = {"htmx-request"}
"""Classes that a library sets."""
LONGEST_FILE, LONGEST_LINE = 120, 130
LAYERS = re.search(
    r"^@layer ([a-z, ]+);$", (ROOT / "static/css/tokens.css").read_text(encoding="utf-8"), re.MULTILINE
)[1].split(", ")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def styled() -> set[str]:
    """The classes that a stylesheet names."""
    names = set()
    for path in STYLES:
        text = re.sub(r'/\*.*?\*/|"[^"]*"', "", read(path), flags=re.DOTALL)
        selectors = re.findall(r"([^{};]+)\{", text)
        names |= {name for each in selectors for name in re.findall(r"\.([a-zA-Z][\w-]*)", each)}
    return names


def drawn() -> set[str]:
    """The classes that a template, a script or a page gives to an element."""
    return {name for given in _class_attributes() for name in given.split()}


def _class_attributes() -> Iterator[str]:
    for path in (*TEMPLATES, *SCRIPTS, *PAGES):
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{\w*\}", " ", read(path))
        yield from re.findall(r'class="([^"]*)"', text)
        yield from re.findall(r'className = "([^"]*)"', text)
        yield from re.findall(r'"class": "([^"]*)"', text)


def test_every_class_of_a_stylesheet_is_drawn() -> None:
    assert {"status", "toast", "visually-hidden"} <= styled()
    assert styled() - drawn() - HOOKS == set()


def test_every_class_that_is_drawn_has_a_style() -> None:
    assert drawn() - styled() == set()


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.stem)
def test_a_stylesheet_is_short_and_all_of_it_lies_in_one_known_layer(path: Path) -> None:
    text = read(path)
    outside = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).strip()
    if path.stem == "tokens":
        outside = outside.removeprefix(f"@layer {', '.join(LAYERS)};").strip()

    assert text.count("\n") < LONGEST_FILE
    assert [line for line in text.splitlines() if len(line) > LONGEST_LINE] == []
    layer = re.match(r"@layer ([a-z]+) \{\n", outside)
    assert layer is not None
    assert layer[1] in LAYERS
    assert re.findall(r"^\S.*$", outside, re.MULTILINE) == [layer[0].strip(), "}"]


def test_every_stylesheet_and_script_is_loaded_and_the_order_of_layers_comes_first() -> None:
    loaded = [
        name
        for path in TEMPLATES
        for name in re.findall(r"\{% static '((?:css|js)/[a-z.]+)' %\}", read(path))
    ]
    everywhere = re.findall(r"'(css/[a-z]+\.css)'", read(ROOT / "templates/_assets.html"))

    assert set(loaded) == {f"{path.parent.name}/{path.name}" for path in (*STYLES, *SCRIPTS)}
    assert everywhere[0] == "css/tokens.css"
    assert len(everywhere) == len(set(everywhere))


def test_every_attribute_that_a_script_looks_for_is_given() -> None:
    """A behaviour that no element asks for is dead code."""
    given = set()
    for path in (*TEMPLATES, *PAGES, *FORMS):
        given |= set(re.findall(r"\bdata-[a-z]+(?:-[a-z]+)*", read(path)))
    wanted = set()
    for path in SCRIPTS:
        wanted |= set(re.findall(r"\[(data-[a-z-]+)", read(path)))
        wanted |= set(re.findall(r'hasAttribute\("(data-[a-z-]+)"', read(path)))
        wanted |= {
            "data-" + re.sub(r"([A-Z])", r"-\1", name).lower()
            for name in re.findall(r"dataset\.([a-zA-Z]+)", read(path))
        }

    assert {"data-copy", "data-set-theme", "data-age"} <= wanted
    assert wanted - given == set()


def test_no_line_of_a_template_scrolls_sideways() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in TEMPLATES
        for number, line in enumerate(read(path).splitlines(), 1)
        if len(line) > LONGEST_LINE
    ]

    assert wrong == []
