"""What the environment says about Metronome: which account, where it is, and who may hold the token."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from adminsite.environment import REQUIRED, env_choice, env_float, env_secret, env_url

ENVIRONMENTS = ("simulator", "sandbox", "production")
WORKERS = ("worker-changes", "worker-checks", "worker-refresh")
PROCESSES = ("web", *WORKERS, "beat", "manage", "build")


@dataclass(frozen=True, slots=True)
class MetronomeSettings:
    """environment: simulator, sandbox or production ("" only in a build). base_url and bearer_token are ""
    in a process that doesn't talk to Metronome. requests_per_second: our share of the account's budget."""

    environment: str
    base_url: str
    bearer_token: str = field(repr=False)
    requests_per_second: float

    def require_connection(self) -> None:
        """Raise ImproperlyConfigured, naming the variable, unless this process can talk to Metronome."""
        if not self.base_url:
            raise ImproperlyConfigured("METRONOME_BASE_URL is not set, and this talks to Metronome.")
        if not self.bearer_token:
            raise ImproperlyConfigured("METRONOME_BEARER_TOKEN is not set, and this talks to Metronome.")


def is_loopback(url: str) -> bool:
    """Say whether the URL's host is this machine itself (localhost or a loopback address)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_metronome(process: str) -> MetronomeSettings:
    """Read the METRONOME_* variables that the process needs; refuse what would be dangerous.

    The web process never holds the token outside the demo; a simulator is only ever on loopback; a token
    never travels without TLS except to this machine itself.
    """
    needs_connection = process in WORKERS
    if process == "build":
        return MetronomeSettings(environment="", base_url="", bearer_token="", requests_per_second=0.0)
    environment = env_choice("METRONOME_ENVIRONMENT", ENVIRONMENTS)
    base_url = env_url("METRONOME_BASE_URL", ("https", "http"), REQUIRED if needs_connection else "")
    bearer_token = env_secret("METRONOME_BEARER_TOKEN", REQUIRED if needs_connection else "")
    if process in ("web", "beat") and bearer_token and environment != "simulator":
        raise ImproperlyConfigured(
            f"METRONOME_BEARER_TOKEN is set for the {process} process; only workers may hold it. Take it out."
        )
    if not bearer_token.isascii() or any(mark.isspace() for mark in bearer_token):
        raise ImproperlyConfigured("METRONOME_BEARER_TOKEN has characters that no token has.")
    if base_url and environment == "simulator" and not is_loopback(base_url):
        raise ImproperlyConfigured(
            f"METRONOME_ENVIRONMENT is simulator, but METRONOME_BASE_URL ({base_url}) is another machine."
        )
    if base_url.startswith("http://") and not is_loopback(base_url):
        raise ImproperlyConfigured(
            f"METRONOME_BASE_URL ({base_url}) would send the token unencrypted; use https://."
        )
    return MetronomeSettings(
        environment=environment,
        base_url=base_url,
        bearer_token=bearer_token,
        requests_per_second=env_float("METRONOME_REQUESTS_PER_SECOND", 5.0, least=0.1, most=1000.0),
    )
