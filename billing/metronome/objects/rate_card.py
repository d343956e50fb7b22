"""Rate cards: prices by product, which contracts are made from (API reference §3.5). Rates are read apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from billing.metronome.listing import Listing
from billing.metronome.records import id_in, optional_text_in, text_in


@dataclass(frozen=True, slots=True)
class RateCardRecord:
    """A rate card that is in use; an archived one is in no list. currency: its pricing unit's name."""

    id: str
    name: str
    description: str
    currency: str
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> RateCardRecord:
        unit = source.get("fiat_credit_type") or {}
        return cls(
            id=id_in(source),
            name=text_in(source, "name"),
            description=optional_text_in(source, "description") or "",
            currency=optional_text_in(unit, "name") or "",
            raw=source,
        )


RATE_CARDS: Listing[RateCardRecord] = Listing(
    "/v1/contract-pricing/rate-cards/list", RateCardRecord.from_json, {"limit": 100}, body={}
)
"""All rate cards of the account that are in use."""
