"""A small world with one of everything, and what is known of it put where a request needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from simulator.amounts import USD
from simulator.checks import UUID, rfc3339
from simulator.running import TOKEN, RunningSimulator

TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START, END = MIDNIGHT - timedelta(days=20), MIDNIGHT + timedelta(days=100)
TIMES = {"start": START, "end": END, "expires": END, "": MIDNIGHT}  # by a part of the name; the first counts
INNER_ID = {  # what it is inside of a list, by a part of the names around
    "schedule_items": "segment_id",
    "recurring_commit": "recurring_commit_id",
    "recurring_credit": "recurring_credit_id",
    "commit": "commit_id",
    "credit": "credit_id",
    "charge": "scheduled_charge_id",
    "override": "override_id",
    "subscription": "subscription_id",
}
FIXED = ("commit", "credit", "charge", "discount", "roundup")  # what bills a fixed product
OWN_ID = {  # what a bare `id` is, by the beginning of the path
    "/v1/customers/archive": "customer_id",
    "/v1/alerts/": "alert_id",
    "/v1/billable-metrics/": "billable_metric_id",
    "/v1/contract-pricing/products/": "product_id",
    "/v1/contract-pricing/rate-cards/": "rate_card_id",
    "/v1/invoices/": "invoice_id",
    "/v1/credits/": "credit_grant_id",
    "/v2/notifications/": "notification_id",
}
TEXTS = {"rate_card_alias": "openapi", "billing_provider_type": "custom"}


@dataclass(frozen=True)
class Known:
    """Ids by the name that a request gives them."""

    ids: dict[str, str]

    def put_in(self, value: Any, route: str, inside: tuple[str, ...] = ()) -> Any:
        """The same request: each UUID whose name is known becomes an id that exists, each time a near one.

        What has another form stays, so that an invalid request stays invalid.
        """
        if isinstance(value, dict):
            return {key: self.put_in(inner, route, (*inside, str(key))) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.put_in(inner, route, inside) for inner in value]
        if not isinstance(value, str) or not inside:
            return value
        if UUID.fullmatch(value):
            return self.ids.get(self._meaning(route, inside), value)
        if TIME.fullmatch(value):
            return rfc3339(next(time for part, time in TIMES.items() if part in inside[-1]))
        return value

    def own_example(self, route: str) -> Any:
        """A request for which a document's example speaks of what this world has not; None for the others."""
        start, later, contract = rfc3339(START), rfc3339(START + timedelta(days=9)), self._some("contract_id")
        days = {"inclusive_start_date": start, "exclusive_end_date": later}
        rate = {"starting_at": start, "entitled": True, "rate_type": "FLAT", "price": 1}
        return {
            "POST /v1/contract-pricing/rate-cards/addRates": {
                **self._some("rate_card_id", customer=False),
                "rates": [{**self._some("product_id", customer=False), **rate}],
            },
            "POST /v1/contracts/addManualBalanceLedgerEntry": {
                **contract,
                "id": self.ids["contract_commit_id"],
                "segment_id": self.ids["segment_id"],
                "amount": -1,
                "reason": "Known",
            },
            "POST /v1/contracts/commits/disableTrueup": {
                **contract,
                "commit_id": self.ids["postpaid_commit_id"],
            },
            "POST /v1/contracts/createHistoricalInvoices": {
                "preview": False,
                "invoices": [
                    {
                        **contract,
                        **self._some("credit_type_id"),
                        **days,
                        "issue_date": later,
                        "usage_line_items": [{"product_id": self.ids["product_id"], **days, "quantity": 2}],
                    }
                ],
            },
            "POST /v1/contracts/getSubscriptionSeatsHistory": {
                **contract,
                "subscription_id": self.ids["seat_subscription_id"],
            },
            "POST /v1/contracts/scheduleProServicesInvoice": {
                **contract,
                "issued_at": later,
                "line_items": [{**self._some("professional_service_id", customer=False), "quantity": 1}],
            },
            "POST /v1/contracts/updateInvoiceIssueDate": {
                "invoice_id": self.ids["draft_invoice_id"],
                "issue_date": rfc3339(END),
            },
            "POST /v1/invoices/regenerate": {"id": self.ids["void_invoice_id"]},
        }.get(route)

    def _some(self, name: str, *, customer: bool = True) -> dict[str, str]:
        known = {name: self.ids[name]}
        return {"customer_id": self.ids["customer_id"], **known} if customer else known

    def _meaning(self, route: str, inside: tuple[str, ...]) -> str:
        path, name = route.split(" ")[1], inside[-1].removesuffix("s")
        if name == "id":
            if len(inside) > 1:
                return next((means for part, means in INNER_ID.items() if part in " ".join(inside)), name)
            return next((means for start, means in OWN_ID.items() if path.startswith(start)), name)
        if name == "product_id":
            around = " ".join((path, *inside)).lower()
            if "subscription" in around:
                return "seat_product_id"
            return "fixed_product_id" if any(each in around for each in FIXED) else name
        return max((known for known in self.ids if name.endswith(known)), key=len, default=name)


def known_world(simulator: RunningSimulator) -> Known:
    """Make one of everything by the API itself."""
    token = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=simulator.url, headers=token, trust_env=False) as client:

        def post(path: str, **body: Any) -> Any:
            answer = client.post(path, json=body)
            assert answer.status_code == 200, (path, answer.text)
            return answer.json()["data"] if answer.content else None

        known = dict(_made(simulator, post))
        rows = client.get(f"/v1/customers/{known['customer_id']}/invoices").json()["data"]
        known["invoice_id"], known["void_invoice_id"], *_more = (
            each["id"] for each in rows if each["status"] == "FINALIZED"
        )
        known["draft_invoice_id"] = next(each["id"] for each in rows if each["status"] == "DRAFT")
        post("/v1/invoices/void", id=known["void_invoice_id"])
        return Known(known)


def _made(simulator: RunningSimulator, post: Any) -> Iterator[tuple[str, str]]:
    plan = next(iter(simulator.control("GET", "snapshot")["main"]["plans"]))
    yield "plan_id", plan
    customer = post("/v1/customers", name="Known AB", ingest_aliases=["known"])["id"]
    yield "customer_id", customer
    yield "entity_id", customer
    added = post(f"/v1/customers/{customer}/plans/add", plan_id=plan, starting_on=rfc3339(START))
    yield "customer_plan_id", added["id"]
    post("/v1/customFields/addKey", entity="customer", key="x_account_id", enforce_uniqueness=False)
    yield from _billing(post, customer)
    yield "credit_type_id", USD["id"]
    yield "custom_credit_type_id", post("/v1/credit-types/create", name="Tokens")["id"]
    catalogue = dict(_catalogue(post))
    yield from catalogue.items()
    yield from _contract(post, customer, catalogue)
    schedule = {"amount": 1_000, "starting_at": rfc3339(START), "ending_before": rfc3339(END)}
    balance = {
        "customer_id": customer,
        "name": "Known",
        "priority": 1,
        "product_id": catalogue["fixed_product_id"],
        "access_schedule": {"schedule_items": [schedule]},
    }
    yield "commit_id", post("/v1/contracts/customerCommits/create", type="PREPAID", **balance)["id"]
    yield "credit_id", post("/v1/contracts/customerCredits/create", **balance)["id"]
    worth = {"amount": 100, "credit_type_id": USD["id"]}
    grant = post(
        "/v1/credits/createGrant",
        customer_id=customer,
        name="Known",
        priority=1,
        grant_amount=worth,
        paid_amount=worth,
        expires_at=rfc3339(END),
    )
    yield "credit_grant_id", grant["id"]
    alert = post(
        "/v1/alerts/create",
        alert_type="spend_threshold_reached",
        name="Known",
        threshold=100,
        customer_id=customer,
        credit_type_id=USD["id"],
    )
    yield "alert_id", alert["id"]
    policy = {"type": "contract.start", "offset": "P1D"}
    yield "notification_id", post("/v2/notifications/create", name="Known", policy=policy)["id"]


def _billing(post: Any, customer: str) -> Iterator[tuple[str, str]]:
    for provider in ("stripe", "custom", "netsuite", "gcp_marketplace"):
        post(f"/v1/customers/{customer}/billing-config/{provider}", billing_provider_customer_id="c-1")
    method = post(
        "/v1/setUpBillingProvider",
        billing_provider="aws_marketplace",
        delivery_method="aws_sqs",
        configuration={},
    )["delivery_method_id"]
    yield "delivery_method_id", method
    row = {
        "customer_id": customer,
        "billing_provider": "aws_marketplace",
        "delivery_method_id": method,
        "configuration": {"aws_customer_id": "c-1", "aws_product_code": "p-1", "aws_region": "eu-west-1"},
    }
    (made,) = post("/v1/setCustomerBillingProviderConfigurations", data=[row])
    yield "billing_provider_configuration_id", made["id"]


def _catalogue(post: Any) -> Iterator[tuple[str, str]]:
    pricing = "/v1/contract-pricing"
    metric = post(
        "/v1/billable-metrics/create",
        name="Requests",
        aggregation_type="COUNT",
        event_type_filter={"in_values": ["request"]},
        property_filters=[{"name": name, "exists": True} for name in ("region", "team")],
        group_keys=[["region"], ["region", "team"]],
    )["id"]
    yield "billable_metric_id", metric
    usage = post(f"{pricing}/products/create", name="Requests", type="USAGE", billable_metric_id=metric)["id"]
    yield "product_id", usage
    yield "fixed_product_id", post(f"{pricing}/products/create", name="Fee", type="FIXED")["id"]
    seats = post(f"{pricing}/products/create", name="Seats", type="SUBSCRIPTION")["id"]
    yield "seat_product_id", seats
    yield "service_product_id", post(f"{pricing}/products/create", name="Advice", type="PRO_SERVICE")["id"]
    card = post(f"{pricing}/rate-cards/create", name="Known", aliases=[{"name": "known"}])["id"]
    yield "rate_card_id", card
    rate = {"rate_card_id": card, "entitled": True, "starting_at": rfc3339(START), "price": 10}
    post(f"{pricing}/rate-cards/addRate", product_id=usage, rate_type="FLAT", **rate)
    post(
        f"{pricing}/rate-cards/addRate",
        product_id=seats,
        rate_type="SUBSCRIPTION",
        billing_frequency="MONTHLY",
        **rate | {"quantity": 1, "is_prorated": True},
    )
    yield "package_id", post("/v1/packages/create", name="Known", rate_card_id=card)["id"]


def _contract(post: Any, customer: str, catalogue: dict[str, str]) -> Iterator[tuple[str, str]]:
    start, end, fixed = rfc3339(START), rfc3339(END), catalogue["fixed_product_id"]
    fee = {"product_id": fixed, "priority": 1}
    access = {"schedule_items": [{"amount": 1_000, "starting_at": start, "ending_before": end}]}
    paid = {"schedule_items": [{"timestamp": start, "amount": 1_000}]}
    recurring = {
        **fee,
        "access_amount": {"credit_type_id": USD["id"], "unit_price": 10, "quantity": 1},
        "commit_duration": {"value": 1, "unit": "PERIODS"},
        "starting_at": start,
        "recurrence_frequency": "MONTHLY",
    }
    seats = {
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": catalogue["seat_product_id"]},
    }
    by_seat = {"seat_group_key": "user", "initial_seat_ids": ["ann", "bob"]}
    service = {"product_id": catalogue["service_product_id"], "max_amount": 900, "unit_price": 300}
    contract = post(
        "/v1/contracts/create",
        customer_id=customer,
        name="Known",
        starting_at=start,
        rate_card_id=catalogue["rate_card_id"],
        usage_statement_schedule={"frequency": "MONTHLY"},
        overrides=[{"starting_at": start, "product_id": catalogue["product_id"], "multiplier": 0.5}],
        scheduled_charges=[{"product_id": fixed, "name": "Fee", "schedule": paid}],
        commits=[
            {**fee, "type": kind, "access_schedule": access, "invoice_schedule": paid}
            for kind in ("PREPAID", "POSTPAID")
        ],
        credits=[{**fee, "access_schedule": access}],
        recurring_commits=[recurring],
        recurring_credits=[recurring],
        subscriptions=[
            {**seats, "initial_quantity": 10},
            {**seats, "quantity_management_mode": "SEAT_BASED", "seat_config": by_seat},
        ],
        professional_services=[{**service, "quantity": 3}],
    )["id"]
    yield "contract_id", contract
    shown = post("/v2/contracts/get", customer_id=customer, contract_id=contract)
    for kind in ("override", "scheduled_charge", "recurring_commit", "recurring_credit", "subscription"):
        yield f"{kind}_id", shown[f"{kind}s"][0]["id"]
    yield "seat_subscription_id", shown["subscriptions"][1]["id"]
    yield "professional_service_id", shown["professional_services"][0]["id"]
    own = {row["type"]: row for row in shown["commits"] if "recurring_commit" not in row}
    prepaid, postpaid = own["PREPAID"], own["POSTPAID"]
    yield "contract_commit_id", prepaid["id"]
    yield "postpaid_commit_id", postpaid["id"]
    yield "segment_id", prepaid["access_schedule"]["schedule_items"][0]["id"]
