"""A person who works with Countersign. Nobody is ever deleted; nobody is ever a superuser."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Upper

from billing.roles import Can, Role, may


class Access(models.TextChoices):
    """Whether a person may come in."""

    ACTIVE = "active", "Active"
    ENDED = "ended", "No access"
    LEFT = "left", "Deactivated"


class User(AbstractUser):
    """A person with one role. `name` is what others read; `username` is what they sign in with.

    is_active: may come in. Where not, one administrator has ended their access, or, with left_at, two people
    agreed that they leave. session_generation: a session of an earlier one is worth nothing; each change of
    role or access begins the next, so that none outlives it (migration 0060 holds all four).
    """

    first_name = None
    last_name = None
    name = models.CharField("full name", max_length=120)
    role = models.CharField(max_length=20, choices=Role)
    left_at = models.DateTimeField(null=True)
    session_generation = models.IntegerField(default=0, db_default=0)

    REQUIRED_FIELDS = ["name", "role"]

    class Meta:
        app_label = "billing"
        constraints = [
            models.CheckConstraint(
                name="nobody_is_superuser_or_staff",
                condition=models.Q(is_superuser=False, is_staff=False),
            ),
            models.CheckConstraint(name="role_is_known", condition=models.Q(role__in=Role.values)),
            models.CheckConstraint(name="name_is_given", condition=~models.Q(name="")),
            models.CheckConstraint(
                name="who_left_may_not_come_in",
                condition=models.Q(left_at__isnull=True) | models.Q(is_active=False),
            ),
            models.UniqueConstraint(  # UPPER is how sign-in finds an account (__iexact)
                Upper("username"),
                name="usernames_differ_in_more_than_case",
                violation_error_message="Somebody signs in with this name already; capitals don’t count.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    def may(self, *any_of: Can) -> bool:
        """Whether this person may do one of these things now."""
        return may(self, *any_of)

    @property
    def access(self) -> Access:
        """Whether they may come in, and if not, how that came."""
        if self.is_active:
            return Access.ACTIVE
        return Access.LEFT if self.left_at else Access.ENDED

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session is good for: the password, as Django has it, and the generation."""
        made = super()._get_session_auth_hash(secret)
        return f"{made}:{self.session_generation}" if self.session_generation else made
