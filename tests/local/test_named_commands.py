"""Every command and target that a file of ours tells somebody to run is there to be run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
TOLD = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "deploy/*", "docker-compose.yml", "Dockerfile", ".env.example")
    for path in ROOT.glob(pattern)
    if path.is_file()
)
COMMAND = re.compile(r"(?:manage\.py|make manage ARGS=['\"]?|run --rm manage) *([a-z]+(?:_[a-z]+)+)")
"""Ours have an underscore in their names; a word of prose after manage.py has none."""
TARGET = re.compile(r"(?:^|`)make ([a-z][\w-]*)", re.MULTILINE)


@pytest.mark.parametrize("path", TOLD, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_file_tells_somebody_to_run_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = set(
        re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert set(COMMAND.findall(text)) - set(get_commands()) == set()
    assert set(TARGET.findall(text)) - targets == set()


def test_the_commands_of_the_files_are_found_at_all() -> None:
    found = {name for path in TOLD for name in COMMAND.findall(path.read_text(encoding="utf-8"))}
    assert {"add_person", "refresh_mirror", "export_audit", "begin_anew"} <= found
