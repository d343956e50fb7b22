"""What happens in random histories: each act gives a request, or None where there is nothing to do it to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from simulator.agenda import later
from simulator.amounts import USD
from simulator.checks import moment_of, rfc3339
from simulator.tests.choices import Choices
from simulator.world import Row


class Acts(Choices):
    """The acts, by name; ACTS says how often each is tried."""

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
        balances = self.world.balances.values()
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
        own = [each for each in self.world.balances.values() if each["contract_id"] == contract["id"]]
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
        rows = self.world.contracts_of.get(given["customer_id"], [])
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
        rows = [each for rows in self.world.invoices_of.values() for each in rows]
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
