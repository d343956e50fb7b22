"""Archiving a customer whose invoices have a status that nobody here knows: said so, never called a draft."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from billing.changes import sealed
from billing.changes.asking.survey import read_survey
from billing.metronome.account import Gateway
from billing.metronome.listing import Listing
from billing.metronome.objects.invoice import InvoiceRecord
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import mirrored, propose


@pytest.mark.parametrize("status", ["PAID", "FINALIZING", "", "draft\x00"])
def test_an_unknown_status_is_never_a_draft_that_was_never_sent(
    status: str,
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    snapshot = mirrored(gateway, simulator)
    read = Gateway.every

    def odd(self: Gateway, listing: Listing[Any], *more: Any) -> tuple[Any, ...]:
        found = read(self, listing, *more)
        if not found or not isinstance(found[0], InvoiceRecord):
            return found
        return (replace(found[0], status=status), *found[1:])

    monkeypatch.setattr(Gateway, "every", odd)

    survey: dict[str, Any] = read_survey(gateway, snapshot["id"])
    change = propose("customer.archive", maker, {"clear_aliases": False}, snapshot=snapshot, survey=survey)

    text = sealed.read(change.sealed)
    counts = {row["what"].replace("invoices", "invoice"): row["count"] for row in text.blast}
    known = [each["status"] for each in survey["invoices"]]
    assert counts["invoice of unknown status"] == 1
    assert counts.get("draft invoice", 0) == known.count("DRAFT")
    assert counts.get("finalized invoice", 0) == known.count("FINALIZED")
    assert len(survey["other_totals"]) == 1
    assert "1 invoice has a status that is not known here." in [each["title"] for each in text.warnings]
