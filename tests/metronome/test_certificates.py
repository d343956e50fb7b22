"""Whom the gateway trusts over TLS: the usual authorities, by name, read once a process."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers
from billing.metronome.transport import certificates
from tests.simulator_server import RunningSimulator


def test_certificates_and_names_are_checked() -> None:
    assert certificates().verify_mode == ssl.CERT_REQUIRED
    assert certificates().check_hostname is True
    assert certificates().get_ca_certs() != []


def test_many_requests_read_the_certificates_once(
    gateway: Gateway, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, make = [], ssl.create_default_context

    def counted(*words: Any, **options: Any) -> ssl.SSLContext:
        made.append(1)
        return make(*words, **options)

    certificates.cache_clear()
    monkeypatch.setattr(ssl, "create_default_context", counted)

    for _each in range(3):
        gateway.page(customers(archived=False, limit=1))

    assert len(made) == 1
