"""Custom field keys, of the things whose fields Countersign shows or sets."""

from __future__ import annotations

from billing.metronome.objects.custom_field_key import custom_field_keys
from billing.mirror.models import CustomFieldKey
from billing.mirror.resource import Resource, Whole

ENTITIES = ("customer",)


class CustomFieldKeyResource(Resource):
    """A key that values can be set under. No request is about one."""

    name = "custom_field_key"
    model = CustomFieldKey
    key = ("entity", "key")
    reads = (Whole("custom field keys", custom_field_keys(ENTITIES)),)
