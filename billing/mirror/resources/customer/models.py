"""The tables of customers, of the aliases that they hold, and of how many there are."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from billing.lists.text import Folded, Skeleton, Words
from billing.mirror.models import Listed, Mirrored, folded


class Customer(Listed, Mirrored):
    """A customer as Metronome's customer list gives it."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    sort_name = folded("name")
    name_words = models.GeneratedField(
        expression=Words(Folded("name")), output_field=SearchVectorField(), db_persist=True
    )
    external_id = models.TextField(blank=True)
    folded_external_id = folded("external_id")
    custom_fields = models.JSONField(default=dict)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        indexes = [
            models.Index(fields=["sort_name", "id"], name="customers_by_name"),
            models.Index(fields=["created_at", "id"], name="customers_by_created"),
            models.Index(
                fields=["created_at"], condition=models.Q(missing_since__isnull=True), name="customers_new"
            ),
            models.Index(fields=["fetched_at"], name="customers_by_fetched"),
            models.Index(fields=["folded_external_id"], name="customers_by_external_id"),
            models.Index(Skeleton("name"), name="customers_by_looks"),
            GinIndex(  # a search reads all that waits for the index, so little may wait
                fields=["name_words"], name="customers_by_name_words", gin_pending_list_limit=256
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CustomerTally(models.Model):
    """How many customers came to or left a standing. The sum of a standing's rows is how many have it now.

    Triggers add a row a statement (migration 0016) and change none, so that none waits for another;
    each refresh of the account counts anew and leaves one row a standing.
    """

    standing = models.CharField(max_length=10)
    number = models.BigIntegerField()

    class Meta:
        app_label = "billing"

    def __str__(self) -> str:
        return f"{self.number:+} {self.standing}"


class IngestAlias(models.Model):
    """An ingest alias a customer holds. Unique per customer only: during a move both show it."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="aliases")
    alias = models.TextField()
    folded = folded("alias")
    fetched_at = models.DateTimeField()

    class Meta:
        app_label = "billing"
        constraints = [
            models.UniqueConstraint(fields=["customer", "alias"], name="a_customer_holds_an_alias_once")
        ]
        indexes = [
            models.Index(fields=["folded"], name="aliases_by_prefix"),
            models.Index(Skeleton("alias"), name="aliases_by_looks"),
        ]

    def __str__(self) -> str:
        return self.alias


class HeldAliases(models.Model):
    """A customer's aliases as one JSON text: a view, for who reads all customers at once."""

    customer = models.OneToOneField(
        Customer, primary_key=True, on_delete=models.DO_NOTHING, related_name="held_aliases"
    )
    aliases = models.TextField()
    number = models.IntegerField()

    class Meta:
        app_label = "billing"
        db_table = "billing_heldaliases"
        managed = False

    def __str__(self) -> str:
        return self.aliases


class HeldPlans(models.Model):
    """The plans that a customer is on, or will be: names and ids as JSON texts, each plan once. A view."""

    customer = models.OneToOneField(
        Customer, primary_key=True, on_delete=models.DO_NOTHING, related_name="held_plans"
    )
    names = models.TextField()
    ids = models.TextField()

    class Meta:
        app_label = "billing"
        db_table = "billing_heldplans"
        managed = False

    def __str__(self) -> str:
        return self.names
