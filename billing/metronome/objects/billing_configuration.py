"""How a customer is billed: its billing provider configurations (API reference §3.3).

A configuration bills nothing by itself: a contract names the one that it is billed through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.metronome.listing import Listing
from billing.metronome.objects.contract import ContractRecord
from billing.metronome.outcomes import storable

ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class BillingConfigurationRecord:
    """One of a customer's configurations; `configuration` is what its provider needs, by its own names."""

    id: str
    customer_id: str
    billing_provider: str
    delivery_method: str
    delivery_method_id: str
    configuration: dict[str, Any]
    is_archived: bool
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> BillingConfigurationRecord:
        configuration = source.get("configuration")
        if configuration is not None and not isinstance(configuration, dict):
            raise ValueError("configuration is not an object")
        return cls(
            id=str(UUID(source["id"])),
            customer_id=str(UUID(source["customer_id"])),
            billing_provider=_text(source, "billing_provider"),
            delivery_method=_text(source, "delivery_method"),
            delivery_method_id=_text(source, "delivery_method_id"),
            configuration=configuration or {},
            is_archived=source.get("archived_at") is not None,
            raw=source,
        )

    @property
    def words(self) -> str:
        """What people see and what is compared: `stripe, stripe_customer_id cus_1, …`, or that it is over."""
        if self.is_archived:
            return ARCHIVED
        return configuration_words(
            self.billing_provider, self.delivery_method, self.delivery_method_id, self.configuration
        )


def configuration_words(
    provider: str, delivery_method: str, delivery_method_id: str, configuration: Mapping[str, Any]
) -> str:
    """A configuration on one line: provider, what it needs in the order of its names, how it is delivered."""
    needs = [f"{name} {_shown(value)}" for name, value in sorted(configuration.items())]
    through = delivery_method or f"delivery method {delivery_method_id}"
    return storable(", ".join([provider, *needs, through]))


def in_words(raw: dict[str, Any]) -> str:
    """The words of a configuration's own record; where that is odd, its provider alone."""
    try:
        return BillingConfigurationRecord.from_json(raw).words
    except (ValueError, KeyError, TypeError, AttributeError):
        return storable(str(raw.get("billing_provider") or "unreadable"))


def billing_configurations(customer_id: str) -> Listing[BillingConfigurationRecord]:
    """All configurations of a customer, archived ones too. An unknown customer has none."""
    return Listing(
        "/v1/getCustomerBillingProviderConfigurations",
        BillingConfigurationRecord.from_json,
        body={"customer_id": customer_id, "include_archived": True},
    )


@dataclass(frozen=True, slots=True)
class Segment:
    """A time in which a contract is billed through a configuration; `until` is exclusive, None for no end."""

    configuration_id: str
    since: datetime
    until: datetime | None

    def is_over(self, at: datetime) -> bool:
        return self.until is not None and self.until <= at


def billed_through(contract: ContractRecord) -> tuple[Segment, ...]:
    """Through what a contract is billed, now and later: by its schedule, else by its one configuration.

    Raises ValueError, KeyError or TypeError for a shape that is not documented.
    """
    rows = contract.raw.get("billing_provider_configuration_schedule") or []
    if not rows and (only := contract.raw.get("customer_billing_provider_configuration")):
        return (Segment(str(UUID(only["id"])), contract.starting_at, None),)
    return tuple(
        Segment(str(UUID(given["id"])), _moment(row["effective_at"]), _moment(row.get("effective_until")))
        for row in rows
        if (given := row.get("billing_provider_configuration"))
    )


def _moment(text: str | None) -> Any:
    return datetime.fromisoformat(text) if text else None


def _text(source: dict[str, Any], key: str) -> str:
    value = source[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} is not text")
    return value.lower()


def _shown(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
