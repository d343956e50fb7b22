"""The service's addresses, and dashboards for embedding."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from metronome import APIStatusError, Metronome

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_the_services_are_this_machine(sdk: Metronome) -> None:
    services = sdk.v1.services.list().services

    assert [(row.name, row.usage, row.ips) for row in services] == [
        ("Webhooks", "makes_connections_from", ["127.0.0.1", "::1"]),
        ("API", "accepts_connections_at", ["127.0.0.1"]),
    ]


@pytest.fixture
def customer(sdk: Metronome) -> str:
    return sdk.v1.customers.create(name="Seen GmbH").data.id


@pytest.mark.parametrize("dashboard", ["invoices", "usage", "credits", "commits_and_credits"])
def test_a_dashboard_has_an_address_for_an_hour(sdk: Metronome, customer: str, dashboard: Any) -> None:
    url = sdk.v1.dashboards.get_embeddable_url(
        customer_id=customer,
        dashboard=dashboard,
        dashboard_options=[{"key": "invoice_status_filter", "value": "DRAFT"}],
        color_overrides=[{"name": "Gray_dark", "value": "#ff0000"}],
        bm_group_key_overrides=[{"group_key_name": "tenant_id", "display_name": "Organisation"}],
    ).data.url
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    left = datetime.fromisoformat(query["expires_at"][0]) - datetime.now(UTC)

    assert (parts.scheme, parts.hostname) == ("https", "embeddable-dashboards.invalid")
    assert parts.path == f"/customers/{dashboard}/v1"
    assert query["customer_id"] == [customer]
    assert len(query["signature"][0]) == 64
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"customer_id": NOBODY}, 404),
        ({"customer_id": "nonsense"}, 400),
        ({"dashboard": "nonsense"}, 400),
        ({"color_overrides": [{"name": "Gray", "value": "#ff0000"}]}, 400),
        ({"dashboard_options": [{"key": "nonsense", "value": "true"}]}, 400),
        ({"dashboard_options": [{"key": "hide_voided_invoices", "value": "perhaps"}]}, 400),
        ({"dashboard_options": [{"key": "contract_id", "value": "mine"}]}, 400),
    ],
)
def test_an_impossible_dashboard_is_refused(
    sdk: Metronome, customer: str, given: dict[str, Any], status: int
) -> None:
    with pytest.raises(APIStatusError) as caught:
        sdk.v1.dashboards.get_embeddable_url(**{"customer_id": customer, "dashboard": "invoices", **given})

    assert caught.value.status_code == status
