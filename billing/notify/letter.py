"""What a mail says: plain text, the way in first, then each notice with its facts as they were."""

from __future__ import annotations

import unicodedata

from django.conf import settings
from django.core.mail import EmailMessage

from billing.notify.models import Mail, Notice

LONGEST_SUBJECT = 150
LONGEST_VALUE = 500
LAST_WORDS = "Everything is done in Countersign; an answer to this mail reaches nobody."


def compose(mail: Mail, notices: list[Notice]) -> EmailMessage:
    """The mail about these notices, at least one. Its Message-ID stays the same however often it is sent."""
    site = settings.SITE_URL.rstrip("/")
    if len(notices) == 1:
        subject, parts = _heading(notices[0]), [_part(notices[0], site)]
    else:
        subject = f"{len(notices)} notices, the first: {_heading(notices[0])}"
        parts = [f"{number}. {_part(each, site)}" for number, each in enumerate(notices, 1)]
        parts.insert(0, f"All of them: {site}/notices/")
    return EmailMessage(
        subject=_cut(subject, LONGEST_SUBJECT),
        body="\n\n".join([*parts, LAST_WORDS]) + "\n",
        from_email=settings.MAIL_FROM,
        to=[mail.address],
        headers={
            "Message-ID": f"<{mail.uuid}@{settings.MAIL_FROM.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def one_line(text: str) -> str:
    """The text without line breaks, control characters and runs of space: it poses as no other line."""
    seen = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)
    return " ".join(seen.split())


def _heading(notice: Notice) -> str:
    return one_line(f"{notice.get_about_display()}: {notice.reference} {notice.headline}")


def _part(notice: Notice, site: str) -> str:
    facts = [f"{label}: {_cut(one_line(value), LONGEST_VALUE)}" for label, value in notice.facts]
    heading = _cut(_heading(notice), LONGEST_VALUE)
    return "\n".join([heading, f"{site}{notice.path}", *facts])


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
