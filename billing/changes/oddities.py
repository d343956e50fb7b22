"""What is easily overlooked in a name or an ingest alias, in words for whoever has to judge it."""

from __future__ import annotations

import unicodedata

from billing.metronome.text import BLANKS, TURNERS

_SPELLED = {ord(letter): f"[U+{ord(letter):04X}]" for letter in TURNERS}


def is_hidden(letter: str) -> bool:
    """Whether a character leaves no mark of its own on paper, and is no ordinary space or line break."""
    is_odd_space = letter.isspace() and letter not in " \n"
    return is_odd_space or letter in BLANKS or unicodedata.category(letter) == "Cf"


def spelled(text: str) -> str:
    """A sentence that nothing inside it can turn around: `[U+202E]` stands where such a character was."""
    return text.translate(_SPELLED)


def drawn(text: str) -> str:
    """A text with a name in the place of what can't be seen in it: `[U+200B]`."""
    return "".join(f"[U+{ord(letter):04X}]" if is_hidden(letter) else letter for letter in text)


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
