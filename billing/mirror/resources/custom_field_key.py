"""Custom field keys, of the things whose fields Countersign shows or sets."""

from __future__ import annotations

from functools import cache

from django.db import models

from billing.lists.prepared import Question
from billing.lists.text import in_order
from billing.metronome.objects.custom_field_key import custom_field_keys
from billing.mirror.resource import Resource, Whole


class CustomFieldKey(models.Model):
    """A custom field key that exists for an entity; values can only be set under existing keys."""

    entity = models.CharField(max_length=60)
    key = models.TextField()
    enforce_uniqueness = models.BooleanField(default=False)
    fetched_at = models.DateTimeField()
    missing_since = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        constraints = [models.UniqueConstraint(fields=["entity", "key"], name="a_key_exists_once_per_entity")]

    def __str__(self) -> str:
        return f"{self.entity}.{self.key}"


ENTITIES = ("customer",)


class CustomFieldKeyResource(Resource):
    """A key that values can be set under. No request is about one."""

    name = "custom_field_key"
    model = CustomFieldKey
    key = ("entity", "key")
    reads = (Whole("custom field keys", custom_field_keys(ENTITIES)),)


def customer_field_keys() -> list[str]:
    """The custom field keys that a customer can carry, by name."""
    return in_order(key for (key,) in _field_keys().rows())


@cache
def _field_keys() -> Question:
    keys = CustomFieldKey.objects.filter(entity="customer", missing_since__isnull=True)
    return Question(keys.values_list("key"))
