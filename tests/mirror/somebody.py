"""Somebody else who works on the account: random changes through Metronome's own API, by a number."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx

from billing.metronome.listing import Listing
from simulator.running import CERTIFICATES
from tests.simulator_server import TOKEN, RunningSimulator

Row = dict[str, Any]
SPOILT = ("truncated", "cut_off", "malformed", "html", "empty_object", "drop_before", "status_before")
LISTS = ("duplicated_rows", "skipped_rows", "expired_cursor")
READS = (
    "GET /v1/customers",
    "GET /v1/planDetails/{plan_id}/customers",
    "POST /v1/contract-pricing/rate-cards/list",
    "POST /v2/contracts/list",
    "POST /v1/customFields/listKeys",
    "*",
)


class Somebody:
    """`did` counts what was agreed to, act by act; what Metronome refuses is no change."""

    def __init__(self, simulator: RunningSimulator, seed: int) -> None:
        self.simulator = simulator
        self.dice = random.Random(seed)
        self.did: Counter[str] = Counter()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.client = httpx.Client(
            base_url=simulator.url, headers=headers, trust_env=False, timeout=30, verify=CERTIFICATES
        )
        self.acts = sorted(name for name in vars(Somebody) if name.startswith("act_"))
        self.number = 0
        self._renamed_next: list[str] = []
        self._deck: list[str] = []

    def change(self, times: int) -> None:
        """So many acts; each kind comes once before one comes again."""
        for _each in range(times):
            self.number += 1
            self._deck = self._deck or self.dice.sample(self.acts, len(self.acts))
            name = self._deck.pop()
            self.did[name] += bool(getattr(self, name)())
        self._renamed_next = [row["id"] for row in self._listed("GET", "/v1/customers", limit="100")]

    def change_meanwhile(self) -> None:
        """A change past whatever is broken now."""
        self.number += 1
        if self.dice.random() < 0.3:
            self.simulator.change("create", name=f"Stray {self.number}")
        else:
            self.simulator.change(
                "rename", self.dice.choice(self._renamed_next), name=f"Meanwhile {self.number}"
            )

    def spoil(self) -> None:
        """One of the next answers to reads comes broken, late or not at all."""
        kind = self.dice.choice(SPOILT + LISTS)
        self.simulator.fault(self.dice.choice(READS), kind, count=self.dice.randint(1, 2))

    def every(self, listing: Listing[Any]) -> Iterator[Row]:
        """Every row of a list as the API answers it, read with nothing of ours but its address."""
        cursor = None
        while True:
            query, body = listing.asked(cursor)
            method = "GET" if body is None else "POST"
            answer = self.client.request(method, listing.path, params=query, json=body).raise_for_status()
            page = json.loads(answer.content, parse_float=Decimal)
            yield from page["data"]
            cursor = page.get(listing.cursor)
            if not cursor:
                return

    def send(self, path: str, body: Row) -> bool:
        """One write; whether Metronome agreed."""
        answer = self.client.post(path, json=body, headers={"Idempotency-Key": str(uuid4())})
        assert answer.status_code < 500, answer.text
        return answer.is_success

    def _listed(self, method: str, path: str, body: Row | None = None, **query: str) -> list[Row]:
        answer = self.client.request(method, path, params=query, json=body).raise_for_status()
        return answer.json()["data"]

    def _some(self, rows: list[Row]) -> str:
        return self.dice.choice(rows)["id"] if rows else str(uuid4())

    def _customer(self) -> str:
        return self._some(self._listed("GET", "/v1/customers", limit="100"))

    def _contract(self) -> Row | None:
        for _try in range(5):
            owner = self._customer()
            if rows := self._listed("POST", "/v2/contracts/list", {"customer_id": owner}):
                return {"customer_id": owner, "contract_id": self._some(rows)}
        return None

    def _card(self) -> str:
        return self._some(self._listed("POST", "/v1/contract-pricing/rate-cards/list", {}))

    def _product(self) -> str:
        return self._some(self._listed("POST", "/v1/contract-pricing/products/list", {}))

    def _hour(self, at_least: int, at_most: int) -> str:
        return f"20{self.dice.randint(at_least, at_most)}-{self.dice.randint(1, 12):02}-01T00:00:00Z"

    def act_create_customer(self) -> Any:
        aliases = [f"new-{self.number}", f"é-{self.number}"]
        return self.send("/v1/customers", {"name": f"Comer {self.number} Ö", "ingest_aliases": aliases})

    def act_rename(self) -> Any:
        return self.send(f"/v1/customers/{self._customer()}/setName", {"name": f"Renamed {self.number}"})

    def act_set_aliases(self) -> Any:
        aliases = [f"alias-{self.dice.randint(0, 90)}" for _each in range(self.dice.randint(0, 4))]
        return self.send(
            f"/v1/customers/{self._customer()}/setIngestAliases", {"ingest_aliases": sorted(set(aliases))}
        )

    def act_archive_customer(self) -> Any:
        return self.dice.random() < 0.4 and self.send("/v1/customers/archive", {"id": self._customer()})

    def act_configure_customer(self) -> Any:
        config = {"salesforce_account_id": f"001{self.number:012}"}
        return self.send(f"/v1/customers/{self._customer()}/updateConfig", config)

    def act_add_key(self) -> Any:
        entity = self.dice.choice(["customer", "contract", "rate_card", "plan"])
        given = {"entity": entity, "key": f"key_{self.dice.randint(0, 9)}", "enforce_uniqueness": False}
        return self.send("/v1/customFields/addKey", given)

    def act_remove_key(self) -> Any:
        keys = self._listed(
            "POST", "/v1/customFields/listKeys", {"entities": ["customer", "contract", "plan"]}
        )
        own = [each for each in keys if each["key"].startswith("key_")]
        chosen = self.dice.choice(own) if own else {"entity": "customer", "key": "nothing"}
        return self.send("/v1/customFields/removeKey", {name: chosen[name] for name in ("entity", "key")})

    def act_set_values(self) -> Any:
        keys = self._listed("POST", "/v1/customFields/listKeys", {"entities": ["customer"]})
        if not keys:
            return None
        values = {self.dice.choice(keys)["key"]: f"value {self.number}"}
        given = {"entity": "customer", "entity_id": self._customer(), "custom_fields": values}
        return self.send("/v1/customFields/setValues", given)

    def act_add_plan(self) -> Any:
        given = {"plan_id": self._some(self._listed("GET", "/v1/plans")), "starting_on": self._hour(27, 29)}
        return self.send(f"/v1/customers/{self._customer()}/plans/add", given)

    def act_end_plan(self) -> Any:
        owner = self._customer()
        rows = self._listed("GET", f"/v1/customers/{owner}/plans")
        given = {"ending_before": self._hour(30, 31)} if self.dice.random() < 0.7 else {}
        return rows and self.send(f"/v1/customers/{owner}/plans/{self._some(rows)}/end", given)

    def act_configure_billing(self) -> Any:
        row = {
            "customer_id": self._customer(),
            "billing_provider": "stripe",
            "delivery_method": "direct_to_billing_provider",
            "configuration": {
                "stripe_customer_id": f"cus_{self.number}",
                "stripe_collection_method": self.dice.choice(["charge_automatically", "send_invoice"]),
            },
        }
        return self.send("/v1/setCustomerBillingProviderConfigurations", {"data": [row]})

    def act_archive_billing(self) -> Any:
        owner = self._customer()
        rows = self._listed("POST", "/v1/getCustomerBillingProviderConfigurations", {"customer_id": owner})
        ids = {"customer_billing_provider_configuration_ids": [self._some(rows)]}
        return rows and self.send(
            "/v1/archiveCustomerBillingProviderConfigurations", {"customer_id": owner, **ids}
        )

    def act_create_contract(self) -> Any:
        given = {"customer_id": self._customer(), "starting_at": self._hour(25, 26)}
        more = {
            "name": f"Contract {self.number}",
            "rate_card_id": self._card(),
            "ending_before": self._hour(27, 29),
            "net_payment_terms_days": self.dice.randint(0, 60),
        }
        kept = {name: value for name, value in more.items() if self.dice.random() < 0.7}
        return self.send("/v1/contracts/create", given | kept)

    def act_edit_contract(self) -> Any:
        if (ids := self._contract()) is None:
            return None
        schedule = {
            "schedule_items": [
                {
                    "amount": self.dice.randint(1, 9_999_999),
                    "starting_at": self._hour(26, 26),
                    "ending_before": self._hour(28, 29),
                }
            ]
        }
        change = self.dice.choice(
            [
                {"update_contract_name": f"Edited {self.number}"},
                {"update_contract_end_date": self._hour(28, 30)},
                {
                    "add_credits": [
                        {"product_id": self._product(), "access_schedule": schedule, "name": "Goodwill"}
                    ]
                },
            ]
        )
        return self.send("/v2/contracts/edit", ids | change)

    def act_archive_contract(self) -> Any:
        if (ids := self._contract()) is None:
            return None
        return self.dice.random() < 0.5 and self.send("/v1/contracts/archive", ids | {"void_invoices": True})

    def act_create_card(self) -> Any:
        return self.send("/v1/contract-pricing/rate-cards/create", {"name": f"Card {self.number}"})

    def act_rename_card(self) -> Any:
        given = {"rate_card_id": self._card(), "name": f"Card {self.number} anew", "description": "<b>"}
        return self.send("/v1/contract-pricing/rate-cards/update", given)

    def act_archive_card(self) -> Any:
        return self.dice.random() < 0.3 and self.send(
            "/v1/contract-pricing/rate-cards/archive", {"id": self._card()}
        )

    def act_create_product(self) -> Any:
        given = {"name": f"Fee {self.number}", "type": "FIXED"}
        return self.send("/v1/contract-pricing/products/create", given)

    def act_rename_product(self) -> Any:
        given = {"product_id": self._product(), "name": f"Fee {self.number} anew"}
        return self.send(
            "/v1/contract-pricing/products/update", given | {"starting_at": "2020-01-01T00:00:00Z"}
        )

    def act_archive_product(self) -> Any:
        return self.dice.random() < 0.3 and self.send(
            "/v1/contract-pricing/products/archive", {"product_id": self._product()}
        )

    def act_create_package(self) -> Any:
        given = {"name": f"Package {self.number}", "rate_card_id": self._card()}
        return self.send("/v1/packages/create", given)

    def act_archive_package(self) -> Any:
        rows = self._listed("POST", "/v1/packages/list", {"archive_filter": "NOT_ARCHIVED"})
        return rows and self.send("/v1/packages/archive", {"package_id": self._some(rows)})

    def act_wait(self) -> Any:
        return self.simulator.control("POST", "clock", {"move_seconds": self.dice.randint(60, 400_000)})
