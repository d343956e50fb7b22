"""What the environment says about mail: from which address, and through which server."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from adminsite.environment import REQUIRED, env_secret, env_text
from adminsite.metronome import is_loopback

SENDER = "worker-refresh"
"""The process that hands mail to the server; no other holds its password."""
PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailSettings:
    """sender: the address that mail comes from, "" for no mail. The rest is "" where none is sent from.

    security: tls (from the first byte), starttls, or "" towards this machine only.
    """

    sender: str = ""
    host: str = ""
    port: int = 0
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    security: str = ""


def read_mail(process: str) -> MailSettings:
    """Read MAIL_FROM, which each process needs, and SMTP_URL, which the sender alone does."""
    sender = "" if process == "build" else env_text("MAIL_FROM", "")
    if not sender:
        return MailSettings()
    try:
        validate_email(sender)
    except ValidationError:
        raise ImproperlyConfigured(f"MAIL_FROM must be one mail address, not {sender!r}.") from None
    if process != SENDER:
        return MailSettings(sender=sender)
    if not env_text("SITE_URL", ""):
        raise ImproperlyConfigured("SITE_URL is not set, and mail leads people there (see .env.example).")
    return _read_server(sender, env_secret("SMTP_URL", REQUIRED))


def _read_server(sender: str, url: str) -> MailSettings:
    """Take smtp://user:password@host:port apart; its words are never quoted, it holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("SMTP_URL is no address: smtp://user:password@host:587.") from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ImproperlyConfigured("SMTP_URL must read smtp://user:password@host:587 or smtps://…:465.")
    if bool(parts.username) != bool(parts.password):
        raise ImproperlyConfigured("SMTP_URL names a user or a password, but not both.")
    security = "tls" if parts.scheme == "smtps" else "" if is_loopback(url) else "starttls"
    return MailSettings(
        sender=sender,
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        security=security,
    )
