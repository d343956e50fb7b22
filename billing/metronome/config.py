"""What the gateway needs to know, handed in by whoever opens it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """One Metronome account and how patient we are with it. Deadlines are total, in seconds."""

    base_url: str
    bearer_token: str = field(repr=False)
    installation: str
    redis_url: str = field(repr=False)
    requests_per_second: float = 5.0
    deadline_seconds: float = 30.0
    read_deadline_seconds: float = 30.0
    version: str = "1.0"

    @property
    def token_fingerprint(self) -> str:
        """Tells one token from another without telling the token: 16 hex digits of its SHA-256."""
        return hashlib.sha256(self.bearer_token.encode()).hexdigest()[:16]
