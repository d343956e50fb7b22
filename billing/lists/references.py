"""A change request's number as people write it: `CR-000098`, `cr-98`, `98`."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"\s*(?:CR-?)?0*(\d{1,9})\s*", re.IGNORECASE | re.ASCII)


def reference_meant(text: str) -> str | None:
    """The reference, `CR-000098`; None for a text that is no request's number."""
    written = _WRITTEN.fullmatch(text)
    return f"CR-{int(written[1]):06d}" if written else None
