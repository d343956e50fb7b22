"""Access tokens: with one a person's script takes lists out as files, and can do nothing else.

A token never opens more than its owner may open at that moment: a role that is taken away takes the token
along. The secret is shown once; kept is its SHA-256, which is enough for 256 random bits.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.clock import now
from billing.users import User

PREFIX = "countersign_"
SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
LONGEST_DAYS = 365
MOST_LIVE = 20
USE_IS_TOLD_EVERY = timedelta(minutes=1)


class TokenRefused(Exception):
    """A token can't be made or used, in words for whoever asked. field: the one of the form that is wrong."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


class AccessToken(models.Model):
    """What a script shows instead of a password. It reads `lists` (names such as `customers`) and no more.

    ending: the secret's last four characters, so that its owner can tell one from another.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    lists = ArrayField(models.CharField(max_length=40))
    digest = models.CharField(max_length=64, unique=True)
    ending = models.CharField(max_length=4)
    made_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    last_used_ip = models.GenericIPAddressField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        app_label = "billing"
        constraints = [
            models.CheckConstraint(
                name="token_digest_is_sha256", condition=Q(digest__regex="^[0-9a-f]{64}$")
            ),
            models.CheckConstraint(name="token_reads_something", condition=Q(lists__len__gt=0)),
            models.CheckConstraint(
                name="token_ends_within_a_year",
                condition=Q(expires_at__gt=F("made_at"))
                & Q(expires_at__lte=F("made_at") + timedelta(days=LONGEST_DAYS, hours=1)),
            ),
            models.CheckConstraint(
                name="token_is_revoked_by_somebody",
                condition=Q(revoked_at=None, revoked_by=None)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
            models.UniqueConstraint(
                fields=("owner", "name"),
                condition=Q(revoked_at__isnull=True),
                name="token_names_of_a_person_differ",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_live(self, at: datetime) -> bool:
        """Whether it would be let in at that time, as far as it is up to the token."""
        return self.revoked_at is None and at < self.expires_at


def make(owner: User, name: str, lists: Collection[str], days: int, actor: Actor) -> tuple[AccessToken, str]:
    """A token of this person's for so many days, and its secret, which nobody can read again.

    Raises TokenRefused for a name that another live one of theirs has, or where they have MOST_LIVE already.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # one at a time counts
        live = list(AccessToken.objects.filter(owner=owner, revoked_at=None))
        if sum(token.is_live(now()) for token in live) >= MOST_LIVE:
            raise TokenRefused(f"You have {MOST_LIVE} tokens in use. Revoke one that nothing needs any more.")
        if any(token.name == name for token in live):
            raise TokenRefused(
                "You have a token of this name. Revoke that one first, or choose another.", "name"
            )
        token = AccessToken.objects.create(
            owner=owner,
            name=name,
            lists=sorted(lists),
            digest=_digest(secret),
            ending=secret[-4:],
            expires_at=now() + timedelta(days=days),
        )
        log.record(
            Event.TOKEN_MADE,
            actor=actor,
            subject=_subject(token),
            new={
                "lists": token.lists,
                "expires_at": f"{token.expires_at:%Y-%m-%dT%H:%MZ}",
                "ending": token.ending,
            },
        )
    return token, secret


def revoke(token_id: UUID, by: User, actor: Actor) -> AccessToken:
    """End a token for good; the caller has asked whether `by` may. A second time changes nothing.

    Raises AccessToken.DoesNotExist.
    """
    with transaction.atomic():
        token = AccessToken.objects.select_for_update().select_related("owner").get(pk=token_id)
        if token.revoked_at is None:
            token.revoked_at, token.revoked_by = now(), by
            token.save(update_fields=["revoked_at", "revoked_by"])
            log.record(
                Event.TOKEN_REVOKED, actor=actor, subject=_subject(token), new={"owner": token.owner.name}
            )
    return token


def revoke_all(owner: User, by: User, actor: Actor) -> int:
    """End every token of somebody who comes in no more, in the caller's transaction; how many there were."""
    live = AccessToken.objects.filter(owner=owner, revoked_at=None)
    return len([revoke(token_id, by, actor) for token_id in live.values_list("pk", flat=True)])


def admitted(secret: str, ip: str | None) -> AccessToken:
    """The live token that this is the secret of, its use noted, once a minute at the most.

    Raises TokenRefused, which tells somebody who holds a secret that was ours what became of it.
    """
    token = None
    if SHAPE.fullmatch(secret):
        token = AccessToken.objects.select_related("owner").filter(digest=_digest(secret)).first()
    if token is None:
        raise TokenRefused("This is no access token of ours.")
    at = now()
    if token.revoked_at is not None:
        raise TokenRefused(f"The access token “{token.name}” was revoked.")
    if not token.is_live(at):
        raise TokenRefused(f"The access token “{token.name}” expired on {token.expires_at:%Y-%m-%d}.")
    if not token.owner.is_active:
        raise TokenRefused(
            f"The access token “{token.name}” belongs to somebody who may not come in any more."
        )
    if token.last_used_at is None or at - token.last_used_at >= USE_IS_TOLD_EVERY:
        AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(last_used_at=at, last_used_ip=ip)
    return token


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _subject(token: AccessToken) -> log.Subject:
    return log.Subject(kind="token", id=str(token.pk), text=f"{token.name} of {token.owner.name}")
