"""What the vendor's guides send, forbid and leave open."""

from __future__ import annotations

import re

from simulator.running import ROOT
from simulator.tests.story import Story, date
from simulator.unpriced import KEPT
from simulator.world import Row


def test_usage_from_before_its_metric_does_not_count():
    """create-billable-metrics: a streaming metric counts what is sent once it is defined."""
    story = Story("2025-01-10")
    story.use("2025-01-09", 7)
    filters = [{"name": "n", "exists": True}]
    sums = {"aggregation_type": "SUM", "aggregation_key": "n", "property_filters": filters}
    later = story.ask("POST /v1/billable-metrics/create", {"name": "Later", **sums})["id"]
    product = story.product("USAGE", name="Later", billable_metric_id=later)
    story.rate(product, rate_type="FLAT", price=100)
    story.contract("2025-01-01")
    story.use("2025-01-09", 2)

    (draft,) = story.invoices()

    assert [(each["name"], each["quantity"]) for each in draft["line_items"]] == [("Uses", 9), ("Later", 2)]


def test_a_previewed_transaction_counts_once():
    story = Story("2025-01-10")
    story.contract("2025-01-01")
    event = {"event_type": "use", "timestamp": date("2025-01-09"), "properties": {"n": 7}}
    twice = [event | {"transaction_id": "a"}, event | {"transaction_id": "a"}, event]

    (preview,) = story.ask(f"POST /v1/customers/{story.customer}/previewEvents", {"events": twice})

    assert preview["total"] == 1_400


def test_what_the_guides_send_is_taken_and_what_they_forbid_is_not():
    story = Story("2025-01-10")
    product = story.product("SUBSCRIPTION", name="Seats")
    yearly = {"rate_type": "FLAT", "price": 10_000, "billing_frequency": "yearly"}
    story.rate(product, **yearly)
    (_usage, rate) = story.ask(
        "POST /v1/contract-pricing/rate-cards/getRates",
        {"rate_card_id": story.card, "at": date("2025-01-10")},
    )
    assert rate["billing_frequency"] == "ANNUAL"
    dates = {"timestamp": date("2025-01-10"), "amount": 600, "unit_price": 300, "quantity": 2}
    charge = {"product_id": story.fixed, "schedule": {"schedule_items": [dates]}}
    contract = story.contract("2025-01-01", scheduled_charges=[charge])
    assert [each["total"] for each in story.invoices(type="SCHEDULED")] == [600]
    by_tag = {
        "starting_at": date("2025-01-01"),
        "type": "OVERWRITE",
        "overwrite_rate": {"rate_type": "FLAT", "price": 1},
        "applicable_product_tags": ["api"],
    }
    edit = {"customer_id": story.customer, "contract_id": contract}
    status, told = story.answer("POST /v2/contracts/edit", edit | {"add_overrides": [by_tag]})
    assert (status, told["message"]) == (
        400,
        "an override of type OVERWRITE can't be targeted by product tags",
    )
    unequal = {"product_id": story.fixed, "schedule": {"schedule_items": [dates | {"amount": 601}]}}
    status, told = story.answer("POST /v2/contracts/edit", edit | {"add_scheduled_charges": [unequal]})
    assert (status, told["message"]) == (400, "schedule item amount must be unit_price times quantity")
    nobody = "00000000-0000-4000-8000-000000000000"
    gone = {"customer_id": story.customer, "customer_billing_provider_configuration_ids": [nobody]}
    assert story.answer("POST /v1/archiveCustomerBillingProviderConfigurations", gone)[0] == 400
    assert story.invoices(webhook_notification_id=nobody) == []
    alert = {"alert_type": "invoice_total_reached", "name": "Total", "threshold": 1}
    made = story.ask("POST /v1/alerts/create", alert | {"credit_grant_type_filters": ["enterprise"]})
    known = story.ask("POST /v1/customer-alerts/get", {"customer_id": story.customer, "alert_id": made["id"]})
    assert "credit_grant_type_filters" not in known["alert"]


def test_what_nobody_knows_goes_either_way():
    """By a switch each: an unknown customer in v2, writes to an archived one, an empty name."""
    story = Story("2025-01-01")
    nobody = "00000000-0000-4000-8000-000000000000"
    edit = {"customer_id": nobody, "contract_id": nobody}
    rename = f"POST /v1/customers/{story.customer}/setName"
    alias = f"POST /v1/customers/{story.customer}/setIngestAliases"

    def answers() -> list[int]:
        asked = [
            ("POST /v2/contracts/edit", edit),
            (rename, {"name": "Other"}),
            (alias, {"ingest_aliases": ["a"]}),
            ("POST /v1/customers", {"name": ""}),
        ]
        return [story.answer(name, body)[0] for name, body in asked]

    story.ask("POST /v1/customers/archive", {"id": story.customer})
    assert answers() == [400, 200, 200, 200]
    for name, choice in (
        ("unknown_customers", "not_found"),
        ("archived_customers", "refuse"),
        ("empty_names", "refuse"),
    ):
        story.switch(name, choice)
    assert answers() == [404, 400, 400, 400]
    assert story.answer(f"GET /v1/customers/{story.customer}")[1]["data"]["name"] == "Other"


def test_an_answer_names_what_is_kept_and_not_priced():
    story = Story("2025-01-01")
    royalty = {"reseller_type": "GCP", "fraction": 0.2, "netsuite_reseller_id": "8"}
    royalty["starting_at"] = date("2025-01-01")
    given = {"customer_id": story.customer, "starting_at": date("2025-01-01"), "rate_card_id": story.card}

    def notice(name: str, body: Row) -> str | None:
        return story.reply(name, body).headers.get("Simulator-Notice")

    create = "POST /v1/contracts/create"
    assert notice(create, given) is None
    told = notice(create, given | {"reseller_royalties": [royalty]})
    assert told == "reseller_royalties: take nothing off"
    refused = given | {"reseller_royalties": [royalty | {"fraction": 2}]}
    assert (story.reply(create, refused).status, notice(create, refused)) == (400, None)
    metric = {"name": "SQL", "sql": "select 1", "custom_fields": {}}
    told = notice("POST /v1/billable-metrics/create", metric)
    assert told == "sql: measures what was seeded alone"


def test_the_readme_lists_what_is_kept_and_not_priced():
    text = (ROOT / "simulator/README.md").read_text("utf-8")
    section = text.split("## Kept, and not priced")[1].split("\n## ")[0]

    assert set(re.findall(r"`([a-z_]+)`", section)) == set(KEPT)
