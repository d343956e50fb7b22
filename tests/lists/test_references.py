"""A request's number is the same however it is written: in the search, in the record's filter."""

from __future__ import annotations

import pytest

from billing.audit.queries import AuditFilter
from billing.lists.references import reference_meant


@pytest.mark.parametrize("text", ["CR-000098", "cr-98", "CR98", " 98 ", "00098"])
def test_a_number_is_read_as_people_write_it(text: str) -> None:
    assert reference_meant(text) == "CR-000098"
    assert AuditFilter.from_get({"reference": text}).reference == "CR-000098"


@pytest.mark.parametrize("text", ["", "CR", "CR-", "98a", "XCR-98", "1" * 10, "\u0669\u0668", "9.8"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert reference_meant(text) is None
    assert AuditFilter.from_get({"reference": text}).reference == text
