"""Random histories of an account: what customers, a finance team, other people and time do to it.

The same seed and beginning give the same history. Most steps mean well; a share of them comes from the dice
of the fuzz, so that every route takes part.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from simulator.agenda import catch_up, later
from simulator.amounts import USD
from simulator.checks import moment_of, rfc3339
from simulator.http import Token
from simulator.seed import seeded
from simulator.service import Service
from simulator.world import Row, World
from tests.simulator.fuzzing import Dice
from tests.simulator.in_process import Inside

BEGIN = "2026-06-15T12:00:00.000Z"
WILD_SHARE = 0.15
# the first would leave nobody, the second answers 500 for an unknown customer, as the real service does
NEVER = ("POST /v1/customers/archive", "POST /v1/setCustomerBillingProviderConfigurations")
PRICING = "POST /v1/contract-pricing"


@dataclass(frozen=True)
class Step:
    """One request and its answer; `stored` says whether its Idempotency-Key keeps the answer."""

    name: str
    body: Any
    key: str
    status: int
    content: bytes
    at: str
    request_id: str
    stored: bool

    @property
    def is_control(self) -> bool:
        return " /_sim/" in self.name


class History(Inside):
    """An account, and the dice that move it. `state` is the snapshot that it begins with."""

    def __init__(self, seed: int, state: Row | None = None) -> None:
        self.dice = random.Random(seed)
        state = state or beginning(seed)
        self.service = Service({"ours": Token("main", "Ours")}, worlds={"main": World.restore(state)})
        self.steps: list[Step] = []
        self._wild = Dice(seed, state)
        self._number = 0

    @property
    def world(self) -> World:
        return self.service.worlds["main"]

    def catch_up(self) -> None:
        """Let happen what is due."""
        catch_up(self.world)

    def send(self, name: str, body: Any = None, key: str = "", **query: str) -> Step:
        """One request, after what is due has happened: nothing else changes anything."""
        self.catch_up()
        self._number += 1
        request = self.request(name, body, key=key, **query)
        request.request_id = f"request-{self._number}"
        reply = finished(self.service.answer(request)).reply
        kept = self.world.answers.get(f"Ours {key}") if key else None
        stored = kept is not None and kept["status"] is not None
        return Step(
            name, body, key, reply.status, reply.payload(), self.world.stamp(), request.request_id, stored
        )

    def take(self, name: str, body: Any, key: str = "") -> Step:
        """The same, and it goes down in the history."""
        self.steps.append(self.send(name, body, key))
        return self.steps[-1]

    def prepare(self) -> None:
        """A catalogue, two customers and a contract with some of everything."""
        for name, body in catalogue(self):
            step = self.take(name, body)
            assert step.status == 200, (name, body, step.content)

    def next(self) -> tuple[str, Any, str]:
        """What happens next: a request and its Idempotency-Key, if any."""
        key = f"key-{self._number}" if self.dice.random() < 0.4 else ""
        if self.dice.random() < WILD_SHARE:
            route, method, path, _query, body = self._wild.request()
            if route.writes and route.name not in NEVER and "%" not in path:
                return f"{method} {path}", body, key
        acts = [getattr(self, name) for name in ACTS]
        while True:
            asked = self.dice.choices(acts, list(ACTS.values()))[0]()
            if asked is not None:
                return *asked, "" if " /_sim/" in asked[0] else key

    # what there is to choose from

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
        return self.mostly_live(row for rows in self.world.contracts.values() for row in rows)

    def balance(self, *kinds: str) -> Row | None:
        return self.mostly_live(each for each in self.world.commits.values() if each["kind"] in kinds)

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

    # acts; None where there is nothing to do it to

    def create_customer(self) -> Any:
        return "POST /v1/customers", {
            "name": f"Customer {self._number}",
            "ingest_aliases": [f"a{self._number}"],
        }

    def rename(self) -> Any:
        return f"POST /v1/customers/{self.customer()}/setName", {"name": f"Renamed {self._number}"}

    def set_aliases(self) -> Any:
        aliases = [f"a{self.dice.randint(0, 60)}" for _each in range(self.dice.randint(0, 2))]
        return f"POST /v1/customers/{self.customer()}/setIngestAliases", {"ingest_aliases": aliases}

    def archive_customer(self) -> Any:
        return "POST /v1/customers/archive", {"id": self.customer()}

    def out_of_band(self) -> Any:
        what, body = self.dice.choice(
            [
                ("create", {"name": f"Stray {self._number}"}),
                ("rename", {"name": "Elsewhere"}),
                ("archive", {}),
            ]
        )
        customer = self.customer()
        if what == "archive":
            if self.dice.random() < 0.7:
                return None
            body = {"id": customer}
        return "POST /_sim/change", {"what": what, "customer_id": customer, "body": body}

    def create_contract(self) -> Any:
        start = self.day(-70, 10)
        given = {
            "customer_id": self.customer(),
            "rate_card_id": self.some(self.world.rate_cards),
            "starting_at": start,
            "usage_statement_schedule": {"frequency": self.dice.choice(["MONTHLY", "WEEKLY", "QUARTERLY"])},
        }
        terms: Row = {
            "commits": [self.balance_terms(self.dice.choice(["PREPAID", "PREPAID", "POSTPAID"]))],
            "credits": [self.balance_terms("CREDIT")],
            "scheduled_charges": [self.charge()],
            "recurring_commits": [self.recurring()],
            "recurring_credits": [self.recurring()],
            "subscriptions": [self.subscription()],
            "discounts": [self.charge()],
            "overrides": [{"starting_at": start, "product_id": self.product("Calls"), "multiplier": 0.5}],
            "ending_before": later(start, days=200),
            "scheduled_charges_on_usage_invoices": "ALL",
            "uniqueness_key": f"contract-{self.dice.randint(0, 40)}",
        }
        return "POST /v1/contracts/create", given | self.part_of(terms)

    def renew_contract(self) -> Any:
        balances = self.world.commits.values()
        own = [each for each in balances if each["contract_id"] and each["rollover_fraction"]]
        commit = self.mostly_live(own)
        if commit is None:
            return None
        given = {
            "customer_id": commit["customer_id"],
            "rate_card_id": self.some(self.world.rate_cards),
            "starting_at": commit["access_schedule"]["schedule_items"][0]["ending_before"],
            "transition": {"type": "RENEWAL", "from_contract_id": commit["contract_id"]},
        }
        return "POST /v1/contracts/create", given

    def edit_contract(self) -> Any:
        contract = self.contract()
        if contract is None:
            return None
        own = [each for each in self.world.commits.values() if each["contract_id"] == contract["id"]]
        commits = [each for each in own if each["kind"] == "commit"]
        terms: Row = {
            "add_commits": [self.balance_terms(self.dice.choice(["PREPAID", "POSTPAID"]))],
            "add_credits": [self.balance_terms("CREDIT")],
            "add_scheduled_charges": [self.charge()],
            "add_recurring_credits": [self.recurring()],
            "add_subscriptions": [self.subscription()],
            "add_overrides": [
                {"starting_at": self.day(-30, 30), "product_id": self.product("Calls"), "multiplier": 1.5}
            ],
            "update_contract_end_date": self.day(-20, 200),
        }
        if contract["scheduled_charges"]:
            terms["archive_scheduled_charges"] = [{"id": contract["scheduled_charges"][0]["id"]}]
        if contract["subscriptions"]:
            update = {"starting_at": self.day(-5, 30), "quantity": self.dice.randint(0, 9)}
            first = contract["subscriptions"][0]["id"]
            terms["update_subscriptions"] = [{"subscription_id": first, "quantity_updates": [update]}]
        if commits:
            terms["archive_commits"] = [{"id": self.some(commits)["id"]}]
        ids = {"customer_id": contract["customer_id"], "contract_id": contract["id"]}
        return "POST /v2/contracts/edit", ids | self.part_of(terms)

    def part_of(self, terms: Row) -> Row:
        return {name: value for name, value in terms.items() if self.dice.random() < 0.35}

    def end_contract(self) -> Any:
        if (contract := self.contract()) is None:
            return None
        ids = {"customer_id": contract["customer_id"], "contract_id": contract["id"]}
        return "POST /v1/contracts/updateEndDate", ids | self.part_of({"ending_before": self.day(-40, 90)})

    def archive_contract(self) -> Any:
        if (contract := self.contract()) is None:
            return None
        ids = {"customer_id": contract["customer_id"], "contract_id": contract["id"]}
        return "POST /v1/contracts/archive", ids | {"void_invoices": self.dice.random() < 0.5}

    def create_balance(self) -> Any:
        kind = self.dice.choice(["PREPAID", "POSTPAID", "CREDIT"])
        given = {"customer_id": self.customer(), **self.balance_terms(kind)}
        if kind == "CREDIT":
            return "POST /v1/contracts/customerCredits/create", given
        rows = self.world.contracts.get(given["customer_id"], [])
        if "invoice_schedule" in given:
            if not rows:
                return None
            given["invoice_contract_id"] = self.mostly_live(rows)["id"]
            if kind == "POSTPAID":
                given["applicable_contract_ids"] = [given["invoice_contract_id"]]
        return "POST /v1/contracts/customerCommits/create", given

    def edit_balance(self) -> Any:
        if (row := self.balance("commit", "credit")) is None:
            return None
        segment = self.some(row["access_schedule"]["schedule_items"])
        change = self.dice.choice(
            [
                {"update_schedule_items": [{"id": segment["id"], "amount": self.amount()}]},
                {"update_schedule_items": [{"id": segment["id"], "ending_before": self.day(-20, 60)}]},
                {"update_schedule_items": [{"id": segment["id"], "starting_at": self.day(-60, 20)}]},
                {"remove_schedule_items": [{"id": segment["id"]}]},
                {
                    "add_schedule_items": [
                        {
                            "amount": self.amount(),
                            "starting_at": segment["ending_before"],
                            "ending_before": later(segment["ending_before"], days=30),
                        }
                    ]
                },
            ]
        )
        kind = row["kind"]
        ids = {"customer_id": row["customer_id"], f"{kind}_id": row["id"]}
        return f"POST /v2/contracts/{kind}s/edit", ids | {"access_schedule": change}

    def shorten_balance(self) -> Any:
        if (row := self.balance("commit", "credit")) is None:
            return None
        name = {"commit": "Commits", "credit": "Credits"}[row["kind"]]
        given = {"customer_id": row["customer_id"], f"{row['kind']}_id": row["id"]}
        given["access_ending_before"] = self.day(-10, 40)
        return f"POST /v1/contracts/customer{name}/updateEndDate", given

    def archive_balance(self) -> Any:
        if (row := self.balance("commit", "credit")) is None:
            return None
        given = {"customer_id": row["customer_id"], f"{row['kind']}_id": row["id"]}
        return f"POST /v2/contracts/{row['kind']}s/archive", given

    def manual_entry(self) -> Any:
        if (row := self.balance("commit", "credit")) is None:
            return None
        given = {
            "customer_id": row["customer_id"],
            "id": row["id"],
            "segment_id": self.some(row["access_schedule"]["schedule_items"])["id"],
            "amount": self.dice.choice([1, -1, -0.2]) * self.amount(300),
            "reason": "By hand",
        }
        if row["contract_id"]:
            given["contract_id"] = row["contract_id"]
        return "POST /v1/contracts/addManualBalanceLedgerEntry", given

    def ingest(self) -> Any:
        customer = self.world.customers[self.customer()]
        names = [customer["id"], *customer["ingest_aliases"]]
        now = moment_of(self.world.stamp(), "now")
        events = [
            {
                "transaction_id": f"t{self.dice.randint(0, 5_000)}",
                "customer_id": self.dice.choice(names),
                "event_type": "call",
                "timestamp": rfc3339(now - timedelta(hours=self.dice.randint(0, 33 * 24))),
                "properties": {"amount": self.amount(20), "region": self.dice.choice(["eu", "us"])},
            }
            for _each in range(self.dice.randint(1, 12))
        ]
        return "POST /v1/ingest", events

    def grant(self) -> Any:
        given: Row = {
            "customer_id": self.customer(),
            "name": f"Grant {self._number}",
            "priority": 1,
            "grant_amount": {"amount": self.amount(), "credit_type_id": USD["id"]},
            "paid_amount": {"amount": self.amount(), "credit_type_id": USD["id"]},
            "effective_at": self.day(-20, 20),
            "expires_at": self.day(25, 90),
        }
        rollover = {
            "expires_at": later(given["expires_at"], days=40),
            "priority": 1,
            "rollover_amount": {"type": "MAX_PERCENTAGE", "value": 0.5},
        }
        more = {
            "invoice_date": self.day(-5, 40),
            "rollover_settings": rollover,
            "uniqueness_key": f"grant-{self.dice.randint(0, 20)}",
        }
        return "POST /v1/credits/createGrant", given | self.part_of(more)

    def edit_grant(self) -> Any:
        given = {"id": self.some(self.world.credit_grants), "expires_at": self.day(-5, 90)}
        return ("POST /v1/credits/editGrant", given) if given["id"] else None

    def void_grant(self) -> Any:
        given: Row = {"id": self.some(self.world.credit_grants)}
        for name in ("void_credit_purchase_invoice", "release_uniqueness_key"):
            given[name] = self.dice.random() < 0.5
        return ("POST /v1/credits/voidGrant", given) if given["id"] else None

    def _invoice(self, status: str) -> Row | None:
        rows = [each for rows in self.world.invoices.values() for each in rows]
        return self.some([each for each in rows if each["status"] == status] or rows)

    def void_invoice(self) -> Any:
        invoice = self._invoice("FINALIZED")
        return ("POST /v1/invoices/void", {"id": invoice["id"]}) if invoice else None

    def regenerate_invoice(self) -> Any:
        invoice = self._invoice("VOID")
        return ("POST /v1/invoices/regenerate", {"id": invoice["id"]}) if invoice else None

    def add_plan(self) -> Any:
        if not self.world.plans:
            return None
        given = {"plan_id": self.some(self.world.plans), "starting_on": self.day(-40, 20)}
        return f"POST /v1/customers/{self.customer()}/plans/add", given

    def end_plan(self) -> Any:
        if (plan := self.some(self.world.customer_plans.values())) is None:
            return None
        path = f"/v1/customers/{plan['customer_id']}/plans/{plan['id']}/end"
        return f"POST {path}", self.part_of({"ending_before": self.day(-20, 60)})

    def addCharge(self) -> Any:
        plan = self.some(self.world.customer_plans.values())
        charges = [each for row in self.world.plans.values() for each in row["charges"]]
        if plan is None or not charges:
            return None
        given = {
            "customer_plan_id": plan["id"],
            "charge_id": self.some(charges)["id"],
            "description": "Extra",
            "invoice_start_timestamp": plan["starting_on"],
            "price": self.amount(50),
            "quantity": self.dice.randint(1, 5),
        }
        return f"POST /v1/customers/{plan['customer_id']}/addCharge", given

    def set_field(self) -> Any:
        given = {"entity": "customer", "entity_id": self.customer(), "custom_fields": {"note": "x"}}
        return "POST /v1/customFields/setValues", given

    def create_alert(self) -> Any:
        kind = self.dice.choice(["spend_threshold_reached", "low_remaining_contract_credit_balance_reached"])
        given = {"alert_type": kind, "name": f"Alert {self._number}", "threshold": self.dice.randint(1, 900)}
        return "POST /v1/alerts/create", given | {"credit_type_id": USD["id"], "evaluate_on_create": True}

    def pass_time(self) -> Any:
        days = self.dice.choice([0.05, 1, 3, 10, 31, 62])
        return "POST /_sim/clock", {"move_days": days, "frozen": True}

    def turn_switch(self) -> Any:
        name, choices = self.dice.choice(
            [("held_alias", ["refuse", "move"]), ("second_archive", ["refuse", "allow"])]
        )
        return "POST /_sim/switches", {name: self.dice.choice(choices)}


ACTS = {
    "create_customer": 2,
    "rename": 3,
    "set_aliases": 2,
    "archive_customer": 0.7,
    "out_of_band": 2,
    "create_contract": 5,
    "renew_contract": 5,
    "edit_contract": 7,
    "end_contract": 2,
    "archive_contract": 2,
    "create_balance": 5,
    "edit_balance": 6,
    "shorten_balance": 2,
    "archive_balance": 2,
    "manual_entry": 6,
    "ingest": 12,
    "grant": 4,
    "edit_grant": 2,
    "void_grant": 1,
    "void_invoice": 6,
    "regenerate_invoice": 4,
    "add_plan": 2,
    "end_plan": 1,
    "addCharge": 2,
    "set_field": 1,
    "create_alert": 1,
    "pass_time": 14,
    "turn_switch": 1,
}


def finished(work: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


def beginning(seed: int) -> Row:
    """The snapshot of an account whose clock stands still: an empty one, or a seeded one for odd numbers."""
    world = seeded(customers=5, plans=3, seed=seed) if seed % 2 else World(seed=seed)
    world.clock["frozen_at"] = world.stamp() if seed % 2 else BEGIN
    return world.snapshot()


def catalogue(history: History) -> Any:
    """Products, a rate card and a customer to begin with, one request after the other."""

    def made() -> str:
        return orjson.loads(history.steps[-1].content)["data"]["id"]

    metrics, cards = [], []
    count = {"name": "Calls", "aggregation_type": "COUNT", "group_keys": [["region"]]}
    volume = {"name": "Volume", "aggregation_type": "SUM", "aggregation_key": "amount"}
    volume["property_filters"] = [{"name": "amount", "exists": True}]
    for given in (count, volume):
        yield "POST /v1/billable-metrics/create", given
        metrics.append(made())
    prices = []
    calls = {"name": "Calls", "type": "USAGE", "billable_metric_id": metrics[0], "tags": ["api"]}
    yield f"{PRICING}/products/create", calls
    prices.append({"product_id": made(), "rate_type": "FLAT", "price": 10.5})
    yield f"{PRICING}/products/create", {"name": "Volume", "type": "USAGE", "billable_metric_id": metrics[1]}
    tiers = [{"price": 3.3, "size": 40}, {"price": 1.01}]
    prices.append({"product_id": made(), "rate_type": "TIERED", "tiers": tiers})
    yield f"{PRICING}/products/create", {"name": "Seats", "type": "SUBSCRIPTION"}
    seats = {"rate_type": "SUBSCRIPTION", "price": 199.99, "billing_frequency": "MONTHLY"}
    prices.append({"product_id": made(), **seats, "quantity": 1, "is_prorated": True})
    yield f"{PRICING}/products/create", {"name": "Fee", "type": "FIXED"}
    yield "POST /v1/credit-types/create", {"name": "Tokens"}
    tokens = made()
    yield f"{PRICING}/rate-cards/create", {"name": "In dollars"}
    cards.append(made())
    conversions = [{"custom_credit_type_id": tokens, "fiat_per_custom_credit": 0.7}]
    yield (
        f"{PRICING}/rate-cards/create",
        {"name": "In tokens", "fiat_credit_type_id": USD["id"], "credit_type_conversions": conversions},
    )
    cards.append(made())
    for card in cards:
        for price in prices:
            rate = {"rate_card_id": card, "entitled": True, "starting_at": "2025-01-01T00:00:00Z", **price}
            if card == cards[1] and price["rate_type"] == "FLAT":
                rate["credit_type_id"] = tokens
            yield f"{PRICING}/rate-cards/addRate", rate
    yield "POST /v1/customFields/addKey", {"entity": "customer", "key": "note", "enforce_uniqueness": False}
    yield "POST /v1/customers", {"name": "Acme", "ingest_aliases": ["acme"]}
