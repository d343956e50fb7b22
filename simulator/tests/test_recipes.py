"""The recipes of the control plane's page: one press, and the next write goes as the button says."""

from __future__ import annotations

from simulator.tests.in_process import Inside


def test_the_next_write_is_refused_in_words_and_does_nothing() -> None:
    inside = Inside()
    asked = {"name": "Halcyon", "ingest_aliases": ["halcyon"]}
    before = list(inside.world.customers)

    assert inside.answer("POST /_sim/page/refuse", b"").reply.status == 303

    assert inside.ask("POST /v1/customers", asked) == (
        400,
        {"message": "This account does not allow the change"},
    )
    assert list(inside.world.customers) == before
    assert inside.ask("POST /v1/customers", asked)[0] == 200
