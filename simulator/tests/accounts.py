"""An account whose clock moves: its prices, commits, subscriptions and invoices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metronome import Metronome

from simulator.amounts import USD, total
from simulator.running import RunningSimulator

BEGIN = "2027-01-01T00:00:00Z"
CREDITS = "00000000-0000-4000-8000-0000000000cc"


@dataclass
class Account:
    """A customer, a rate card with calls at 2 cents, and a clock that stands still."""

    sdk: Metronome
    simulator: RunningSimulator
    customer: str
    metric: str
    calls: str
    fixed: str
    card: str
    sent: int = 0

    def at(self, moment: str) -> None:
        """Set the clock, which stays frozen."""
        self.simulator.control("POST", "clock", {"at": moment, "frozen": True})

    def use(self, moment: str, amount: float, **properties: Any) -> None:
        """One event of so many calls."""
        self.sent += 1
        self.sdk.v1.usage.ingest(
            usage=[
                {
                    "transaction_id": f"use-{self.sent}",
                    "customer_id": self.customer,
                    "event_type": "call",
                    "timestamp": moment,
                    "properties": {"n": amount, **properties},
                }
            ]
        )

    def contract(self, **terms: Any) -> str:
        """A contract on the card from the beginning of 2027 on."""
        terms = {"starting_at": BEGIN, "rate_card_id": self.card, **terms}
        return self.sdk.v1.contracts.create(customer_id=self.customer, **terms).data.id

    def invoices(self, **filters: Any) -> list[Any]:
        return list(self.sdk.v1.customers.invoices.list(customer_id=self.customer, **filters))

    def told(self, **filters: Any) -> list[tuple[Any, ...]]:
        """(type, status, period or date, total) of every invoice, each being the sum of its lines."""
        rows = self.invoices(**filters)
        for row in rows:
            own = [
                each
                for each in row.line_items
                if each.credit_type.id == row.credit_type.id
                and not (each.type == "applied_commit_or_credit" and each.commit_type == "PostpaidCommit")
            ]
            assert row.total == total(each.total for each in own)
        return [
            (
                row.type,
                row.status,
                f"{row.start_timestamp:%m-%d}..{row.end_timestamp:%m-%d}"
                if row.start_timestamp
                else f"{row.issued_at:%m-%d}",
                row.total,
            )
            for row in rows
        ]


def rate(
    sdk: Metronome, card: str, product: str, starting_at: str = "2020-01-01T00:00:00Z", **terms: Any
) -> None:
    sdk.v1.contracts.rate_cards.rates.add(
        rate_card_id=card, product_id=product, starting_at=starting_at, entitled=True, **terms
    )


def commit(account: Account, kind: str, amount: float, priority: float, **more: Any) -> dict[str, Any]:
    span = {"starting_at": BEGIN, "ending_before": "2027-02-01T00:00:00Z"}
    return {
        "product_id": account.fixed,
        "type": kind,
        "priority": priority,
        "access_schedule": {"schedule_items": [{"amount": amount, **span}]},
        **more,
    }


def ledger_of(account: Account, contract: str) -> list[tuple[str, float]]:
    shown = account.sdk.v2.contracts.retrieve(
        customer_id=account.customer, contract_id=contract, include_ledgers=True
    ).data
    return [(row.type, row.amount) for row in shown.commits[0].ledger]


def subscription(account: Account, product: str, schedule: str, **more: Any) -> dict[str, Any]:
    """Four of a product a month; what is paid in advance has invoices of its own."""
    placement = "ON_SCHEDULED_INVOICE" if schedule == "ADVANCE" else "ON_USAGE_INVOICE"
    return {
        "collection_schedule": schedule,
        "billing_cycle_config": {"invoice_placement": placement},
        "initial_quantity": 4,
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"},
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": product},
        **more,
    }


def priced_in_credits(account: Account) -> str:
    """A rate card with calls at 2 credits, each worth 50 cents."""
    worlds = account.simulator.control("GET", "snapshot")
    worlds["main"]["pricing_units"][CREDITS] = {"id": CREDITS, "name": "Credits", "is_currency": False}
    account.simulator.control("POST", "restore", worlds)
    card = account.sdk.v1.contracts.rate_cards.create(
        name="Credits",
        fiat_credit_type_id=USD["id"],
        credit_type_conversions=[{"custom_credit_type_id": CREDITS, "fiat_per_custom_credit": 50}],
    ).data.id
    rate(account.sdk, card, account.calls, rate_type="FLAT", price=2, credit_type_id=CREDITS)
    return card
