"""Ways back in, as rows. Who may come in at all is a column of the person."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class ResetLink(models.Model):
    """One link that sets a new password once. Only a digest of its secret is kept: reading it opens nothing.

    person: whose password it sets; None where somebody asked for an address that nobody here has, so that
    both cost the same. made_by: the administrator who made it; None: asked for on the page, and mailed.
    address: where it is mailed, empty for one that an administrator hands over. digest: SHA-256 of the
    secret, empty until the worker makes it. closed_at: used, or ended by another way to a new password.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="reset_links"
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="made_reset_links"
    )
    address = models.EmailField(blank=True)
    digest = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True, db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        constraints = [
            models.UniqueConstraint(
                name="a_reset_secret_opens_one_account",
                fields=["digest"],
                condition=~models.Q(digest=""),
            ),
            models.CheckConstraint(
                name="a_reset_link_is_mailed_or_handed_over",
                condition=models.Q(made_by=None) | models.Q(address="", person__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(next_try_at__isnull=False),
                name="reset_links_to_mail",
            ),
        ]

    def __str__(self) -> str:
        return f"reset link {self.pk}"
