"""What is easily overlooked in a name or an ingest alias, in words for whoever has to judge it."""

from __future__ import annotations

import unicodedata

from billing.changes.proposals import Caution
from billing.metronome.text import BLANKS, TURNERS

MOST_NAMED = 8


def is_hidden(letter: str) -> bool:
    """Whether a character leaves no mark of its own on paper, and is no ordinary space or line break."""
    is_odd_space = letter.isspace() and letter not in " \n"
    return is_odd_space or letter in BLANKS or unicodedata.category(letter) == "Cf"


def spelled(text: str) -> str:
    """A sentence that nothing inside it can turn around: `[U+202E]` stands where such a character was."""
    return "".join(f"[U+{ord(letter):04X}]" if letter in TURNERS else letter for letter in text)


def hidden_characters(text: str) -> list[str]:
    """What the eye can't see inside a text, each once: `U+202E RIGHT-TO-LEFT OVERRIDE`."""
    hidden = [letter for letter in text if is_hidden(letter)]
    return [f"U+{ord(letter):04X} {unicodedata.name(letter, '')}".strip() for letter in dict.fromkeys(hidden)]


def oddities(alias: str) -> list[str]:
    """`ends with a space`, `holds an invisible character`; empty for an ordinary alias."""
    inner = alias.strip()
    if not inner:
        return ["is nothing but spaces"]
    words = []
    for where, number in (
        ("starts", len(alias) - len(alias.lstrip())),
        ("ends", len(alias) - len(alias.rstrip())),
    ):
        if number:
            words.append(f"{where} with {'a space' if number == 1 else f'{number} spaces'}")
    if any(is_hidden(letter) and not letter.isspace() for letter in inner):
        words.append("holds an invisible character")
    if any(letter != " " and letter.isspace() for letter in inner):
        words.append("holds a space that is not an ordinary one")
    return words


def name_cautions(name: str) -> list[Caution]:
    """A name that holds characters which can't be seen, or turn the direction of what can."""
    hidden = hidden_characters(name)
    if not hidden:
        return []
    return [Caution("warn", "The name holds what can’t be seen.", f"{', '.join(hidden[:MOST_NAMED])}.")]


def alias_cautions(added: list[str]) -> list[Caution]:
    """The new aliases that are not what they look like."""
    odd = [f"“{alias}” {' and '.join(words)}" for alias in added if (words := oddities(alias))]
    if not odd:
        return []
    more = f"; and {len(odd) - MOST_NAMED:,} more" if len(odd) > MOST_NAMED else ""
    return [
        Caution(
            "warn",
            "Easily overlooked.",
            f"{'; '.join(odd[:MOST_NAMED])}{more}. All of it is part of the alias.",
        )
    ]
