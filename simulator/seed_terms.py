"""What seeded contracts agree on: every kind of term is in one of these, for a contract of one currency."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.agenda import months_later
from simulator.seed_catalogue import GOODWILL, PREPAID, PRICES, product_named
from simulator.world import Row, World

UNITS = 600
Terms = Callable[["Seller"], Row]


class Seller:
    """A world's catalogue in one currency, and when the contract that is being sold begins."""

    def __init__(self, world: World, currency: Row, start: str) -> None:
        self.world, self.currency, self.start = world, currency, start
        self.fee = PRICES[currency["name"]]["fee"]  # what amounts are counted in

    def product(self, name: str) -> str:
        return product_named(self.world, name)

    def after(self, months: int) -> str:
        return months_later(self.start, months)

    def balance(self, name: str, amount: float, months: int = 12) -> Row:
        """A commit's or credit's own members."""
        segment = {"amount": amount, "starting_at": self.start, "ending_before": self.after(months)}
        return {
            "product_id": self.product(name),
            "name": name,
            "access_schedule": {"credit_type_id": self.currency["id"], "schedule_items": [segment]},
        }

    def dates(self, amount: float, *months: int) -> Row:
        """An amount on each of these months' first days."""
        items = [{"timestamp": self.after(each), "amount": amount} for each in months]
        return {"credit_type_id": self.currency["id"], "schedule_items": items}

    def recurring(self, amount: float, **more: Any) -> Row:
        unit = {"credit_type_id": self.currency["id"], "unit_price": amount, "quantity": 1}
        return {
            "product_id": self.product(GOODWILL),
            "priority": 1,
            "starting_at": self.start,
            "commit_duration": {"value": 1},
            "recurrence_frequency": "MONTHLY",
            "access_amount": unit,
            **more,
        }


def _by_list(_seller: Seller) -> Row:
    return {}


def _prepaid(seller: Seller) -> Row:
    """A year paid in advance in two parts, and storage a fifth cheaper."""
    commit = seller.balance(PREPAID, 10 * seller.fee) | {
        "type": "PREPAID",
        "priority": 1,
        "rollover_fraction": 0.5,
        "invoice_schedule": seller.dates(5 * seller.fee, 0, 6),
    }
    override = {"starting_at": seller.start, "product_id": seller.product("Storage"), "multiplier": 0.8}
    return {"commits": [commit], "overrides": [override]}


def _seats(seller: Seller) -> Row:
    """A monthly fee in advance, and seats in arrears."""
    fee = _subscription(seller, "Platform fee", "ADVANCE") | {"initial_quantity": 1}
    seats = _subscription(seller, "Seats", "ARREARS") | {
        "quantity_management_mode": "SEAT_BASED",
        "seat_config": {"seat_group_key": "user", "initial_seat_ids": ["ana", "jonas", "mei"]},
    }
    return {"subscriptions": [fee, seats]}


def _subscription(seller: Seller, name: str, schedule: str) -> Row:
    return {
        "name": name,
        "subscription_rate": {"product_id": seller.product(name), "billing_frequency": "MONTHLY"},
        "collection_schedule": schedule,
        "proration": {"is_prorated": False},
    }


def _set_up(seller: Seller) -> Row:
    """What it costs to begin, less a discount, and a credit every month."""
    product = seller.product("Implementation")
    return {
        "scheduled_charges": [
            {"name": "Implementation", "product_id": product, "schedule": seller.dates(2 * seller.fee, 0, 3)}
        ],
        "discounts": [
            {"name": "Welcome discount", "product_id": product, "schedule": seller.dates(seller.fee, 0)}
        ],
        "recurring_credits": [seller.recurring(seller.fee, rate_type="LIST_RATE")],
    }


def _promised(seller: Seller) -> Row:
    """A year's spend that is billed at its end where it isn't reached."""
    commit = seller.balance("Implementation", 20 * seller.fee) | {
        "type": "POSTPAID",
        "name": "Annual commitment",
        "invoice_schedule": seller.dates(20 * seller.fee, 12),
    }
    return {"commits": [commit], "ending_before": seller.after(12)}


def _gifts(seller: Seller) -> Row:
    """A credit to begin with, and so many units of transfer that are bought in advance each month."""
    cost = UNITS * PRICES[seller.currency["name"]]["transfer"][1]
    bought = {"credit_type_id": seller.currency["id"], "unit_price": cost, "quantity": 1}
    return {
        "credits": [seller.balance(GOODWILL, 3 * seller.fee, 3) | {"priority": 2}],
        "recurring_commits": [
            seller.recurring(
                cost,
                name="Monthly block",
                invoice_amount=bought,
                applicable_product_ids=[seller.product("Data transfer")],
            )
        ],
    }


def _special(seller: Seller) -> Row:
    """A price of its own, and products that aren't sold."""
    rate = {"rate_type": "FLAT", "price": PRICES[seller.currency["name"]]["transfer"][1]}
    return {
        "overrides": [
            {
                "starting_at": seller.start,
                "product_id": seller.product("Data transfer"),
                "overwrite_rate": {**rate, "credit_type_id": seller.currency["id"]},
            },
            {
                "starting_at": seller.start,
                "override_specifiers": [{"product_tags": ["assistant"]}],
                "entitled": False,
            },
        ]
    }


def _everything(seller: Seller) -> Row:
    """Most of the above together."""
    whole: Row = {}
    for terms in (_prepaid, _seats, _set_up):
        whole |= terms(seller)
    return whole | {"usage_statement_schedule": {"frequency": "MONTHLY", "day": "FIRST_OF_MONTH"}}


TERMS: tuple[tuple[str, Terms], ...] = (
    ("List prices", _by_list),
    ("Prepaid commit", _prepaid),
    ("Seats", _seats),
    ("Platform and set-up", _set_up),
    ("Postpaid commit", _promised),
    ("Credits", _gifts),
    ("Special prices", _special),
    ("Enterprise agreement", _everything),
)
"""What a contract is called, and its terms."""
