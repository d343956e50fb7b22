"""The account's delivery methods: how invoices reach a billing provider (API reference §3.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from billing.metronome.listing import Listing
from billing.metronome.outcomes import storable
from billing.metronome.records import text_in
from billing.metronome.rows import own_id, uuid_of

OWN_ID = "delivery_method_id"
TELLING = ("stripe_account_id", "netsuite_account_id", "aws_region", "aws_external_id")
"""What of a method's configuration tells one from another, in the order of what people know best."""


@dataclass(frozen=True, slots=True)
class DeliveryMethodRecord:
    """A way to a provider that is set up for the account. Metronome says no secret of its configuration."""

    id: str
    billing_provider: str
    delivery_method: str
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> DeliveryMethodRecord:
        if not (of := uuid_of(source[OWN_ID])):
            raise ValueError(f"{OWN_ID} is not a UUID")
        return cls(
            id=of,
            billing_provider=text_in(source, "billing_provider").lower(),
            delivery_method=text_in(source, "delivery_method").lower(),
            raw=source,
        )


def told_by(raw: dict[str, Any]) -> str:
    """What tells a method from others of its provider, such as an account of Stripe's; empty for nothing."""
    configuration = raw.get("delivery_method_configuration")
    given = configuration if isinstance(configuration, dict) else {}
    return next((storable(str(given[name])) for name in TELLING if given.get(name)), "")


def _id_of(row: Any) -> str:
    return own_id({"id": row.get(OWN_ID)}) if isinstance(row, dict) else ""


DELIVERY_METHODS: Listing[DeliveryMethodRecord] = Listing(
    "/v1/listConfiguredBillingProviders",
    DeliveryMethodRecord.from_json,
    body={},
    cursor_in_body=True,
    id_of=_id_of,
)
"""All delivery methods of the account."""
