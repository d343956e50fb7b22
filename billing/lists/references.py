"""A change request's number as people write it: `CR-000098`, `cr-98`, `98`."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"\s*(?:CR-?)?0*(\d{1,9})\s*", re.IGNORECASE | re.ASCII)


def is_reference(text: str) -> bool:
    """Whether a text is a request's number with its letters, and so means nothing else; digits alone may."""
    return text.strip()[:2].upper() == "CR" and reference_meant(text) is not None


def is_whole_reference(text: str) -> bool:
    """Whether a text is a reference as we write it, so that nothing else begins like it."""
    return text.strip().upper() == reference_meant(text)


def reference_meant(text: str) -> str | None:
    """The reference, `CR-000098`; None for a text that is no request's number."""
    written = _WRITTEN.fullmatch(text)
    return f"CR-{int(written[1]):06d}" if written else None
