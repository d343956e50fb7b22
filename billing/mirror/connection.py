"""Opening the gateway from the settings, and making sure that it is our account before anything is sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Subquery
from django.db.models.functions import Now

from billing.control import freezing
from billing.control.anchor import accept_token, anchor
from billing.control.models import Freeze, Installation, NewBeginning
from billing.lists.prepared import Question
from billing.metronome.account import Gateway
from billing.metronome.budget import Budget, BudgetUnavailable
from billing.metronome.config import GatewayConfig
from billing.metronome.objects.customer import customers_by_id
from billing.metronome.outcomes import Halt
from billing.metronome.records import OddRow
from billing.mirror.models import RefreshRun
from billing.mirror.resources.customer.models import Customer

SAMPLE = 20
DOUBTED_FOR = timedelta(days=1)
"""How far back a failed refresh is looked for; when it is older, the account is looked at once more."""


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


class Doubts(NamedTuple):
    """What an answer to "is it our account?" holds for: any of it changed, and the question is open again."""

    installation: UUID
    token: str
    base_url: str
    frozen_at: datetime | None
    failed_refresh: int | None
    begun_anew: int | None


_answers: dict[Doubts, str] = {}
"""This process's own latest answer: why it is not our account, empty for ours."""


def ensure_account(gateway: Gateway) -> None:
    """Make sure that token and address lead to our account, by 20 mirrored customers, before anything else.

    They are looked for when the token or the address is new, when this process has not looked yet, and again
    after a halt, a freeze or a failed refresh; in between the answer stands and costs no request.
    Raises Halt when half of them or more are not there, which freezes all applying, and ReadFailed when
    Metronome can't be asked.
    """
    stands = _stands()
    doubts = stands.doubts(gateway)
    if doubts not in _answers:
        problem = _look(gateway)
        if problem:
            freezing.halt(problem)
            doubts = _stands().doubts(gateway)
        _answers.clear()
        _answers[doubts] = problem
    if _answers[doubts]:
        raise Halt(_answers[doubts])
    if (stands.token, stands.base_url) != (doubts.token, doubts.base_url):
        accept_token(doubts.token, doubts.base_url)


class Stands(NamedTuple):
    """The anchor as it is, with the newest halt or freeze, failed refresh and beginning anew. One query."""

    installation: UUID
    environment: str
    token: str
    base_url: str
    frozen_at: datetime | None
    failed_refresh: int | None
    begun_anew: int | None

    def doubts(self, gateway: Gateway) -> Doubts:
        """What an answer about this gateway's token and address holds for."""
        config = gateway.config
        return Doubts(self.installation, config.token_fingerprint, config.base_url, *self[4:])


def _stands() -> Stands:
    """How the anchor stands. Raises AnchorMismatch where the settings name another environment."""
    metronome = settings.METRONOME
    rows = _question().rows()
    if not rows or Stands(*rows[0]).environment != metronome.environment:
        anchor(
            metronome.environment, metronome.base_url
        )  # ties it at the first start, else says what is wrong
        rows = _question().rows()
    return Stands(*rows[0])


@cache
def _question() -> Question:
    failed = RefreshRun.objects.filter(
        scope=RefreshRun.Scope.ACCOUNT, status=RefreshRun.Status.FAILED, started_at__gt=Now() - DOUBTED_FOR
    )
    turned = Freeze.objects.filter(id=1).exclude(reason="")  # the row may be there before its first turn
    begun = NewBeginning.objects.filter(carried_out_at__isnull=False)
    return Question(
        Installation.objects.filter(id=1).values_list(
            "uuid",
            "environment",
            "token_fingerprint",
            "base_url",
            Subquery(turned.values("changed_at")),
            Subquery(failed.order_by("-started_at", "-pk").values("pk")[:1]),
            Subquery(begun.order_by("-pk").values("pk")[:1]),
        )
    )


def _look(gateway: Gateway) -> str:
    """Why the account is not ours, empty when it is, or when nothing is mirrored yet.

    Half of the sample was read long ago: what another world brought in lately vouches for nothing.
    """
    known = Customer.objects.filter(missing_since__isnull=True).values_list("pk", flat=True)
    lately = list(known.order_by("-fetched_at", "id")[: SAMPLE // 2])
    long_ago = known.exclude(pk__in=lately).order_by("fetched_at", "id")[: SAMPLE // 2]
    ids = sorted(str(pk) for pk in (*lately, *long_ago))
    there: set[str] = set()
    for archived in (False, True):
        if wanted := [pk for pk in ids if pk not in there]:
            odd: list[OddRow] = []
            there |= {each.id for each in customers_by_id(gateway, wanted, archived=archived, odd=odd)}
            there |= {row.id for row in odd}
    found = len(there.intersection(ids))
    if not ids or found * 2 > len(ids):
        return ""
    many = "none" if not found else f"only {found}"
    return (
        "The token or the address belongs to another Metronome account: "
        f"{many} of {len(ids)} mirrored customers {'are' if found > 1 else 'is'} in it."
    )


def budget_snapshot() -> dict | None:
    """The request budget for the System page; None while Redis is away."""
    try:
        return _shown_budget(settings.REDIS_URL, settings.METRONOME.requests_per_second).snapshot()
    except BudgetUnavailable:
        return None


@cache
def _shown_budget(redis_url: str, requests_per_second: float) -> Budget:
    """One for all pages of a process: it keeps its connections."""
    return Budget(redis_url, requests_per_second)
