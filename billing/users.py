"""A person who works with Countersign. Nobody is ever deleted; nobody is ever a superuser."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Upper

from billing.roles import Can, Role, may


class User(AbstractUser):
    """A person with one role. `name` is what others read; `username` is what they sign in with."""

    first_name = None
    last_name = None
    name = models.CharField("full name", max_length=120)
    role = models.CharField(max_length=20, choices=Role)

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

    def may(self, can: Can) -> bool:
        """Whether this person may do this thing now."""
        return may(self, can)
