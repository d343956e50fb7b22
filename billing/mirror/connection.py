"""Opening the gateway from the settings, and making sure that it is our account before anything is sent."""

from __future__ import annotations

from django.conf import settings

from billing.control.anchor import accept_token, anchor
from billing.metronome.budget import Budget, BudgetUnavailable
from billing.metronome.client import Gateway
from billing.metronome.config import GatewayConfig
from billing.metronome.outcomes import Halt
from billing.mirror.models import Customer

SAMPLE = 20


def open_gateway() -> Gateway:
    """The gateway for these settings. Raises ImproperlyConfigured or AnchorMismatch with a sentence."""
    metronome = settings.METRONOME
    metronome.require_connection()
    installation = anchor(metronome.environment, metronome.base_url)
    return Gateway(
        GatewayConfig(
            base_url=metronome.base_url,
            bearer_token=metronome.bearer_token,
            installation=str(installation.uuid),
            redis_url=settings.REDIS_URL,
            requests_per_second=metronome.requests_per_second,
            deadline_seconds=float(settings.WRITE_DEADLINE_SECONDS),
            read_deadline_seconds=float(settings.WRITE_DEADLINE_SECONDS),
        )
    )


def ensure_account(gateway: Gateway) -> None:
    """Hold a token that is new to us against 20 mirrored customers before it is trusted.

    Raises Halt when none of them is in its account, and ReadFailed when Metronome can't be asked.
    """
    metronome = settings.METRONOME
    installation = anchor(metronome.environment, metronome.base_url)
    fingerprint = gateway.config.token_fingerprint
    if installation.token_fingerprint == fingerprint:
        return
    ids = [
        str(pk)
        for pk in Customer.objects.filter(missing_since__isnull=True)
        .order_by("-fetched_at", "id")
        .values_list("pk", flat=True)[:SAMPLE]
    ]
    if ids and not any(gateway.customers_by_id(ids, archived=archived) for archived in (False, True)):
        raise Halt(
            f"The token belongs to another Metronome account: none of {len(ids)} mirrored customers is in it."
        )
    accept_token(fingerprint)


def budget_snapshot() -> dict | None:
    """The request budget for the System page; None while Redis is away."""
    budget = Budget(settings.REDIS_URL, settings.METRONOME.requests_per_second)
    try:
        return budget.snapshot()
    except BudgetUnavailable:
        return None
    finally:
        budget.close()
