"""Records as a mirror gets them, from the API's own answers alone: read, loaded, and read again."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.tests.in_process import Inside
from simulator.world import Row

NOW = "2026-03-20T06:30:00Z"
JAN = "2026-01-01T00:00:00Z"
PRICING = "/v1/contract-pricing"


class Mirror:
    """What somebody reads of an account through its token."""

    def __init__(self, inside: Inside, token: str) -> None:
        self.inside, self.token = inside, token

    def ask(self, name: str, body: Any = None, **query: str) -> Any:
        status, answer = self.inside.ask(name, body, token=self.token, **query)
        assert status == 200, (name, answer)
        return answer["data"] if answer else None

    def records(self, customer: str, contract: str, card: str) -> Row:
        ids = {"customer_id": customer, "contract_id": contract}
        whole = {"include_balance": True, "include_ledgers": True}
        (read,) = self.ask("POST /v2/contracts/list", {"customer_id": customer, **whole})
        balances = {"customer_id": customer, **whole, "include_contract_balances": True}
        invoices = self.ask(f"GET /v1/customers/{customer}/invoices")
        schedule = {"rate_card_id": card, "starting_at": JAN}
        return {
            "clock": NOW,
            "pricing_units": self.ask("GET /v1/credit-types/list"),
            "custom_field_keys": self.ask("POST /v1/customFields/listKeys", {}),
            "billing_providers": self.ask("POST /v1/listConfiguredBillingProviders", {}),
            "billable_metrics": self.ask("GET /v1/billable-metrics"),
            "products": self.ask(f"POST {PRICING}/products/list", {}),
            "rate_cards": self.ask(f"POST {PRICING}/rate-cards/list", {}),
            "rates": [
                {**each, "rate_card_id": card}
                for each in self.ask(f"POST {PRICING}/rate-cards/getRateSchedule", schedule)
            ],
            "packages": self.ask("POST /v1/packages/list", {}),
            "customers": [self.ask(f"GET /v1/customers/{customer}")],
            "billing_provider_configurations": self.ask(
                "POST /v1/getCustomerBillingProviderConfigurations", {"customer_id": customer}
            ),
            "contracts": [read],
            "balances": [
                {**each, "customer_id": customer}
                for each in self.ask("POST /v1/contracts/customerBalances/list", balances)
            ],
            "seats": [
                {**each, "contract_id": contract, "subscription_id": own["id"]}
                for own in read["subscriptions"]
                for each in self.ask(
                    "POST /v1/contracts/getSubscriptionSeatsHistory", {**ids, "subscription_id": own["id"]}
                )
            ],
            "named_schedules": self.ask("POST /v1/contracts/listNamedSchedules", {"customer_id": customer}),
            "invoices": invoices,
            "usage": [piece for each in invoices if each["status"] == "DRAFT" for piece in used(each)],
        }


def used(invoice: Row) -> list[Row]:
    """The usage that a draft bills, until now."""
    return [
        {
            **{name: invoice[name] for name in ("customer_id", "contract_id")},
            **{name: line[name] for name in ("product_id", "starting_at", "quantity")},
            "ending_before": min(line["ending_before"], NOW),
            **{k: line[k] for k in ("pricing_group_values", "presentation_group_values") if k in line},
        }
        for line in invoice["line_items"]
        if line["type"] == "usage" and line["quantity"] and line["starting_at"] < NOW
    ]


@pytest.fixture
def inside() -> Inside:
    inside = Inside(customers=1)
    for account in ("main", "other"):
        inside.ask("POST /_sim/clock", {"at": "2026-01-10T00:00:00Z", "frozen": True}, account=account)
    return inside


@pytest.fixture
def sold(inside: Inside) -> tuple[str, str, str]:
    """A customer with a contract of many terms, at 06:30 on 20 March."""
    api = Mirror(inside, "theirs")
    key = {"entity": "contract", "key": "erp", "enforce_uniqueness": False}
    api.ask("POST /v1/customFields/addKey", key)
    metric = api.ask(
        "POST /v1/billable-metrics/create",
        {
            "name": "Calls",
            "aggregation_type": "SUM",
            "aggregation_key": "n",
            "property_filters": [{"name": "n", "exists": True}],
            "group_keys": [["region"]],
        },
    )["id"]

    def product(name: str, kind: str, **more: Any) -> str:
        return api.ask(f"POST {PRICING}/products/create", {"name": name, "type": kind, **more})["id"]

    calls = product(
        "Calls", "USAGE", billable_metric_id=metric, presentation_group_key=["region"], tags=["api"]
    )
    seats, fee = product("Seats", "SUBSCRIPTION"), product("Fee", "FIXED")
    card = api.ask(f"POST {PRICING}/rate-cards/create", {"name": "List"})["id"]
    tiers = [{"price": 10, "size": 30}, {"price": 7}]
    api.ask(
        f"POST {PRICING}/rate-cards/addRates",
        {
            "rate_card_id": card,
            "rates": [
                {
                    "product_id": calls,
                    "rate_type": "TIERED",
                    "tiers": tiers,
                    "entitled": True,
                    "starting_at": JAN,
                },
                {
                    "product_id": seats,
                    "rate_type": "FLAT",
                    "price": 500,
                    "billing_frequency": "MONTHLY",
                    "entitled": True,
                    "starting_at": JAN,
                },
            ],
        },
    )
    customer = api.ask("POST /v1/customers", {"name": "Acme", "ingest_aliases": ["acme"]})["id"]
    year = {"starting_at": JAN, "ending_before": "2027-01-01T00:00:00Z"}
    contract = api.ask(
        "POST /v1/contracts/create",
        {
            "customer_id": customer,
            "rate_card_id": card,
            "name": "2026",
            **year,
            "custom_fields": {"erp": "7"},
            "commits": [
                {
                    "product_id": fee,
                    "type": "PREPAID",
                    "name": "Prepaid",
                    "access_schedule": {"schedule_items": [{"amount": 900, **year}]},
                    "invoice_schedule": {
                        "schedule_items": [
                            {"timestamp": "2026-01-15T00:00:00Z", "amount": 400},
                            {"timestamp": "2026-06-15T00:00:00Z", "amount": 400},
                        ]
                    },
                },
                {
                    "product_id": fee,
                    "type": "POSTPAID",
                    "access_schedule": {"schedule_items": [{"amount": 5_000, **year}]},
                    "invoice_schedule": {
                        "schedule_items": [{"timestamp": "2027-01-01T00:00:00Z", "amount": 5_000}]
                    },
                },
            ],
            "recurring_credits": [
                {
                    "product_id": fee,
                    "priority": 1,
                    "starting_at": JAN,
                    "commit_duration": {"value": 1},
                    "access_amount": {"unit_price": 50, "quantity": 1, "credit_type_id": USD},
                    "recurrence_frequency": "MONTHLY",
                }
            ],
            "scheduled_charges": [
                {
                    "product_id": fee,
                    "schedule": {"schedule_items": [{"timestamp": "2026-05-01T00:00:00Z", "amount": 70}]},
                }
            ],
            "overrides": [{"starting_at": "2026-03-10T00:00:00Z", "product_id": calls, "multiplier": 0.5}],
            "subscriptions": [
                {
                    "subscription_rate": {"product_id": seats, "billing_frequency": "MONTHLY"},
                    "collection_schedule": "ARREARS",
                    "proration": {},
                    "quantity_management_mode": "SEAT_BASED",
                    "seat_config": {"seat_group_key": "user", "initial_seat_ids": ["ana", "jo"]},
                }
            ],
        },
    )["id"]
    schedule = {"customer_id": customer, "contract_id": contract, "schedule_name": "discounts"}
    api.ask("POST /v1/contracts/updateNamedSchedule", {**schedule, "starting_at": JAN, "value": 5})
    for at, number in (
        ("2026-01-20T00:00:00Z", 12),
        ("2026-03-05T00:00:00Z", 33),
        ("2026-03-20T06:30:00Z", 21),
    ):
        inside.ask("POST /_sim/clock", {"at": at, "frozen": True}, account="other")
        event = {"transaction_id": at, "customer_id": "acme", "event_type": "call", "timestamp": at}
        api.ask("POST /v1/ingest", [{**event, "properties": {"n": number, "region": "eu"}}])
    inside.ask("POST /_sim/clock", {"at": NOW, "frozen": True}, account="other")
    return customer, contract, card


USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def test_a_mirrors_records_are_loaded_and_read_the_same_and_go_on_the_same(
    inside: Inside, sold: tuple[str, str, str]
) -> None:
    records = Mirror(inside, "theirs").records(*sold)

    status, made = inside.ask("POST /_sim/load", records)

    assert status == 200
    assert (made["left_out"], made["differences"]) == ([], [])
    assert made["taken"]["invoices"] == len(records["invoices"])
    assert {each["rule"] for each in made["chosen"]} == {"tiers"}
    inside.service.tokens["copy"] = inside.service.tokens[made["token"]]
    assert Mirror(inside, "copy").records(*sold) == records
    for account in ("other", made["account"]):
        assert inside.ask("POST /_sim/clock", {"move_days": 92}, account=account)[0] == 200
    one, two = (_totals(Mirror(inside, token), sold[0]) for token in ("theirs", "copy"))
    assert len(one) > len(records["invoices"])
    assert one == two


def _totals(mirror: Mirror, customer: str) -> list[list[Any]]:
    invoices = mirror.ask(f"GET /v1/customers/{customer}/invoices")
    names = ("type", "status", "start_timestamp", "issued_at", "subtotal", "total")
    return sorted(([each.get(name) for name in names] for each in invoices), key=repr)


def test_what_a_draft_is_told_to_come_to_and_does_not_is_a_difference(
    inside: Inside, sold: tuple[str, str, str]
) -> None:
    records = Mirror(inside, "theirs").records(*sold)
    (draft,) = [each for each in records["invoices"] if each["type"] == "USAGE" and each["status"] == "DRAFT"]
    records["usage"] = []

    made = inside.ask("POST /_sim/load", records)[1]

    told = {each["id"]: each for each in made["differences"]}
    assert told[draft["id"]]["told"] == draft["total"]
    assert told[draft["id"]]["follows"] < draft["total"]


def test_a_piece_of_usage_that_is_cut_counts_evenly_and_the_answer_says_so(
    inside: Inside, sold: tuple[str, str, str]
) -> None:
    records = Mirror(inside, "theirs").records(*sold)
    product = records["usage"][0]["product_id"]
    piece = {"customer_id": sold[0], "product_id": product, "quantity": 40}
    days = {"starting_at": "2026-03-05T00:00:00Z", "ending_before": "2026-03-15T00:00:00Z"}
    records["usage"] = [{**piece, **days, "presentation_group_values": {"region": "eu"}}]

    made = inside.ask("POST /_sim/load", records)[1]

    rules = {each["rule"]: each for each in made["chosen"]}
    assert rules["evenly"]["says"] == "A loaded piece of usage counts evenly over its time."
    inside.service.tokens["copy"] = inside.service.tokens[made["token"]]
    (draft,) = Mirror(inside, "copy").ask(
        f"GET /v1/customers/{sold[0]}/invoices", None, status="DRAFT", type="USAGE"
    )
    quantities: dict[str, float] = {}
    for line in draft["line_items"]:
        if line.get("product_id") == product and line["type"] == "usage":
            quantities[line["starting_at"]] = quantities.get(line["starting_at"], 0) + line["quantity"]
    assert quantities == {"2026-03-01T00:00:00.000Z": 20, "2026-03-10T00:00:00.000Z": 20}
    assert inside.ask("GET /_sim/chosen", account=made["account"])[1]["data"] == made["chosen"]
