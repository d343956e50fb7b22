"""What random histories choose from: customers, contracts, balances, amounts, days, terms."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from simulator.agenda import later
from simulator.checks import moment_of, rfc3339
from simulator.tests.in_process import Inside
from simulator.world import Row, World


class Choices(Inside):
    """An account that lies in `world`, and the dice that choose; `_number` counts what was asked so far."""

    dice: random.Random
    world: World
    _number: int

    def some(self, rows: Any) -> Any:
        rows = list(rows)
        return self.dice.choice(rows) if rows else None

    def mostly_live(self, rows: Any) -> Any:
        """One that isn't archived, nearly always."""
        rows = list(rows)
        live = [each for each in rows if not each["archived_at"]]
        return self.some(live if live and self.dice.random() < 0.9 else rows)

    def customer(self) -> str:
        return self.mostly_live(self.world.customers.values())["id"]

    def contract(self) -> Row | None:
        return self.mostly_live(row for rows in self.world.contracts_of.values() for row in rows)

    def balance(self, *kinds: str) -> Row | None:
        return self.mostly_live(each for each in self.world.balances.values() if each["kind"] in kinds)

    def product(self, name: str) -> str:
        return next(each["id"] for each in self.world.products.values() if each["initial"]["name"] == name)

    def amount(self, most: int = 900) -> float:
        return round(self.dice.uniform(0, most), self.dice.choice([0, 2, 4]))

    def day(self, least: int, most: int) -> str:
        now = moment_of(self.world.stamp(), "now").replace(hour=0, minute=0, second=0, microsecond=0)
        return rfc3339(now + timedelta(days=self.dice.randint(least, most)))

    # terms

    def balance_terms(self, kind: str) -> Row:
        start = self.day(-60, 20)
        length = self.dice.choice([20, 45, 120])
        segment = {
            "amount": self.amount(),
            "starting_at": start,
            "ending_before": later(start, days=length),
        }
        given: Row = {
            "product_id": self.product("Fee"),
            "name": f"{kind} {length}",
            "priority": self.dice.randint(1, 4),
            "access_schedule": {"schedule_items": [segment]},
        }
        if self.dice.random() < 0.2:
            given["applicable_product_tags"] = ["api"]
        if kind == "POSTPAID":
            charge = {"timestamp": segment["ending_before"], "amount": segment["amount"]}
            given["invoice_schedule"] = {"schedule_items": [charge]}
        elif kind == "PREPAID":
            given["rollover_fraction"] = self.dice.choice([0.25, 1])
            if self.dice.random() < 0.5:
                given["invoice_schedule"] = {
                    "schedule_items": [{"timestamp": start, "amount": self.amount()}]
                }
        return given if kind == "CREDIT" else given | {"type": kind}

    def charge(self) -> Row:
        schedule = {"schedule_items": [{"timestamp": self.day(-10, 60), "amount": self.amount()}]}
        return {"product_id": self.product("Fee"), "schedule": schedule}

    def recurring(self) -> Row:
        return {
            "product_id": self.product("Fee"),
            "access_amount": {"unit_price": self.amount(90), "quantity": 3},
            "commit_duration": {"value": self.dice.choice([1, 2])},
            "recurrence_frequency": self.dice.choice(["MONTHLY", "WEEKLY", "QUARTERLY"]),
            "priority": self.dice.randint(1, 4),
            "starting_at": self.day(0, 30),
        }

    def subscription(self) -> Row:
        collected, billed = self.dice.choice(
            [("ADVANCE", "BILL_IMMEDIATELY"), ("ARREARS", "BILL_ON_NEXT_COLLECTION_DATE")]
        )
        return {
            "collection_schedule": collected,
            "proration": {"is_prorated": True, "invoice_behavior": billed},
            "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": self.product("Seats")},
            "initial_quantity": self.dice.randint(1, 9),
        }
