"""The address and the id that the audit trail keeps of a request."""

import uuid

import pytest
from django.test import Client, RequestFactory

from adminsite.middleware import client_ip


@pytest.mark.parametrize(
    ("forwarded", "proxies", "believed"),
    [
        ("", 0, "10.0.0.1"),
        ("6.6.6.6", 0, "10.0.0.1"),
        ("203.0.113.9", 1, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", 1, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.7", 2, "203.0.113.9"),
        ("203.0.113.9", 2, "10.0.0.1"),
        ("", 1, "10.0.0.1"),
        ("6.6.6.6, not an address", 1, "10.0.0.1"),
        ("2001:DB8::9", 1, "2001:db8::9"),
        (" , 203.0.113.9 ,", 1, "203.0.113.9"),
    ],
)
def test_only_what_our_own_proxies_saw_is_believed(forwarded: str, proxies: int, believed: str):
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)

    assert client_ip(request, proxies) == believed


def test_each_answer_carries_a_fresh_id_and_none_that_a_client_made_up(client: Client):
    first = client.get("/healthz", headers={"X-Request-ID": "made-up"})["X-Request-ID"]
    second = client.get("/healthz", headers={"X-Request-ID": "made-up"})["X-Request-ID"]

    assert uuid.UUID(first) != uuid.UUID(second)


def test_no_page_may_load_anything_from_elsewhere(client: Client):
    policy = dict(
        part.split(" ", 1) for part in client.get("/healthz")["Content-Security-Policy"].split("; ")
    )

    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
