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
from simulator.routes import ROUTES
from tests.simulator_server import TOKEN, RunningSimulator

TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START, END = MIDNIGHT - timedelta(days=20), MIDNIGHT + timedelta(days=100)
TIMES = {"start": START, "end": END, "": MIDNIGHT}  # by the beginning of a name; the first that fits
ANY = "00000000-0000-4000-8000-000000000000"
OWN_EXAMPLES = {  # where a document's example speaks of what this world has not
    "POST /v1/contract-pricing/rate-cards/addRates": {
        "rate_card_id": ANY,
        "rates": [
            {
                "product_id": ANY,
                "starting_at": rfc3339(START),
                "entitled": True,
                "rate_type": "FLAT",
                "price": 1,
            }
        ],
    },
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
            return rfc3339(next(time for start, time in TIMES.items() if inside[-1].startswith(start)))
        return value

    def _meaning(self, route: str, inside: tuple[str, ...]) -> str:
        path, name = route.split(" ")[1], inside[-1].removesuffix("s")
        if name == "id":
            if len(inside) > 1:
                return next((each for each in ("commit", "credit") if each in inside[0]), "") + "_id"
            return next((means for start, means in OWN_ID.items() if path.startswith(start)), name)
        if name == "product_id":
            around = " ".join((path, *inside)).lower()
            if "subscription" in around:
                return "seat_product_id"
            return "fixed_product_id" if any(each in around for each in FIXED) else name
        return max((known for known in self.ids if name.endswith(known)), key=len, default=name)


def known_world(simulator: RunningSimulator) -> Known:
    """Make one of everything by the API itself."""
    with httpx.Client(
        base_url=simulator.url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False
    ) as client:

        def post(path: str, **body: Any) -> Any:
            if f"POST {path}" not in ROUTES and path.split("/")[2] != "customers":
                return {"id": ANY}
            answer = client.post(path, json=body)
            assert answer.status_code == 200, (path, answer.text)
            return answer.json()["data"] if answer.content else None

        return Known(dict(_made(simulator, post)))


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
    yield from _contract(post, customer, *(catalogue := dict(_catalogue(post))).values())
    yield from catalogue.items()
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


def _contract(
    post: Any, customer: str, _metric: str, _usage: str, fixed: str, seats: str, card: str, _package: str
) -> Iterator[tuple[str, str]]:
    item = {"timestamp": rfc3339(START), "unit_price": 500, "quantity": 1}
    contract = post(
        "/v1/contracts/create",
        customer_id=customer,
        name="Known",
        starting_at=rfc3339(START),
        rate_card_id=card,
        scheduled_charges=[{"product_id": fixed, "name": "Fee", "schedule": {"schedule_items": [item]}}],
    )["id"]
    yield "contract_id", contract
