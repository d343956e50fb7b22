"""An account without a process, whose clock stands still: what happens to one customer, told in short."""

from __future__ import annotations

from typing import Any

from simulator.http import Reply
from simulator.tests.in_process import Inside
from simulator.world import Row

PRICE = 100


def date(text: str) -> str:
    """`2025-01-02` as an instant."""
    return text if "T" in text else f"{text}T00:00:00Z"


def access(amount: float, since: str, until: str) -> Row:
    """An access schedule of one segment."""
    segment = {"amount": amount, "starting_at": date(since), "ending_before": date(until)}
    return {"schedule_items": [segment]}


def billed(amount: float, at: str) -> Row:
    """An invoice schedule of one date."""
    return {"schedule_items": [{"amount": amount, "timestamp": date(at)}]}


class Story:
    """An empty account with one customer and one usage product at 100 cents, at an instant."""

    def __init__(self, at: str, **rate: Any) -> None:
        self._inside, self._sent = Inside(customers=1), 0
        self.units: dict[str, str] = {}
        self.at(at)
        self.customer = self.ask("POST /v1/customers", {"name": "Acme"})["id"]
        filters = [{"name": "n", "exists": True}, {"name": "project"}]
        metric = {
            "name": "Uses",
            "aggregation_type": "SUM",
            "aggregation_key": "n",
            "property_filters": filters,
        }
        self.metric = self.ask("POST /v1/billable-metrics/create", metric)["id"]
        self.usage = self.product("USAGE", name="Uses", billable_metric_id=self.metric)
        self.fixed = self.product("FIXED", name="Fixed")
        self.card = self.ask("POST /v1/contract-pricing/rate-cards/create", {"name": "List"})["id"]
        self.rate(self.usage, **({"rate_type": "FLAT", "price": PRICE} | rate))

    def reply(self, name: str, body: Any = None) -> Reply:
        """The answer to one request, with its headers."""
        return self._inside.answer(name, body, token="theirs").reply

    def answer(self, name: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """Status and JSON of one request."""
        return self._inside.ask(name, body, token="theirs", **query)

    def ask(self, name: str, body: Any = None, **query: Any) -> Any:
        """The `data` of a request that succeeds."""
        status, told = self.answer(name, body, **query)
        assert status == 200, (name, body, told)
        return told["data"] if told else None

    def at(self, moment: str) -> None:
        """Set the clock, which stays frozen."""
        self._inside.ask("POST /_sim/clock", {"at": date(moment), "frozen": True}, account="other")

    def product(self, kind: str, **more: Any) -> str:
        return self.ask("POST /v1/contract-pricing/products/create", {"type": kind, **more})["id"]

    def rate(self, product: str, **terms: Any) -> None:
        given = {"rate_card_id": self.card, "product_id": product, "entitled": True, **terms}
        given.setdefault("starting_at", date("2020-01-01"))
        self.ask("POST /v1/contract-pricing/rate-cards/addRate", given)

    def use(self, at: str, amount: float, **properties: str) -> None:
        """One event of so many units."""
        self._sent += 1
        event = {"transaction_id": f"t{self._sent}", "customer_id": self.customer, "event_type": "use"}
        event |= {"timestamp": date(at), "properties": {"n": amount, **properties}}
        assert self.answer("POST /v1/ingest", [event])[0] == 200

    def contract(self, since: str, **terms: Any) -> str:
        given = {"customer_id": self.customer, "rate_card_id": self.card, "starting_at": date(since), **terms}
        return self.ask("POST /v1/contracts/create", given)["id"]

    def balance(self, amount: float, since: str, until: str, **terms: Any) -> Row:
        """The terms of a commit or credit."""
        return {"product_id": self.fixed, "access_schedule": access(amount, since, until), **terms}

    def credit(self, amount: float, since: str, until: str, **terms: Any) -> str:
        """A credit of the customer itself."""
        given = {"customer_id": self.customer, "priority": 1, **self.balance(amount, since, until, **terms)}
        return self.ask("POST /v1/contracts/customerCredits/create", given)["id"]

    def commit(self, amount: float, since: str, until: str, **terms: Any) -> str:
        """A commit of the customer itself, billed to nobody."""
        given = {"customer_id": self.customer, "type": "PREPAID", "priority": 1}
        given |= self.balance(amount, since, until, **terms)
        schedule = {**billed(amount, since), "do_not_invoice": True}
        return self.ask("POST /v1/contracts/customerCommits/create", {"invoice_schedule": schedule, **given})[
            "id"
        ]

    def invoices(self, **query: str) -> list[Row]:
        return self.ask(f"GET /v1/customers/{self.customer}/invoices", **query)

    def totals(self, **query: str) -> list[tuple[str, str, str, float]]:
        """(type, status, day of its end or date, total) of every invoice."""
        return [
            (
                each["type"],
                each["status"],
                (each.get("end_timestamp") or each["issued_at"])[:10],
                each["total"],
            )
            for each in self.invoices(**query)
        ]

    def balances(self) -> list[tuple[float, list[tuple[float, str]]]]:
        """(balance, [(amount, day) of its ledger]) of each commit and credit, oldest first."""
        given = {"include_balance": True, "include_ledgers": True, "include_contract_balances": True}
        rows = self.ask("POST /v1/contracts/customerBalances/list", {"customer_id": self.customer, **given})
        return [
            (each["balance"], [(entry["amount"], entry["timestamp"][:10]) for entry in each["ledger"]])
            for each in rows
        ]

    def left(self) -> list[float]:
        """What each commit and credit has left."""
        return [balance for balance, _ledger in self.balances()]

    def unit(self, name: str, label: str) -> None:
        """A custom pricing unit, which no route makes: put into the world."""
        world = self._inside.service.world("other")
        self.units[name] = world.new_id()
        world.pricing_units[self.units[name]] = {"id": self.units[name], "name": label, "is_currency": False}

    def chosen(self) -> list[Row]:
        """The undocumented rules that a line of a draft uses."""
        return self._inside.ask("GET /_sim/chosen", account="other")[1]["data"]

    def switch(self, name: str, choice: str) -> None:
        self._inside.ask("POST /_sim/switches", {name: choice}, account="other")

    def listen(self) -> None:
        """Have a destination that takes nothing, so that what is told is kept."""
        self._inside.service.world("other").destinations.append({"id": "nobody"})

    def told(self) -> list[Row]:
        """What was told since somebody listens, oldest first."""
        return [each["payload"] for each in self._inside.service.world("other").outbox]

    def deliver_to_stripe(self) -> None:
        """Have Stripe as a delivery method, which no route makes: put into the world."""
        method = {"billing_provider": "stripe", "delivery_method": "direct_to_billing_provider"}
        world = self._inside.service.world("other")
        world.billing_providers.append(
            {**method, "delivery_method_id": world.new_id(), "delivery_method_configuration": {}}
        )
