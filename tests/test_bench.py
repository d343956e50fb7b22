"""What `make bench` grows and asks, small: it must keep working while tables and pages change."""

import pytest
from django.test import override_settings

from bench import applying, files, growing, pages
from billing.audit.models import AuditEvent
from billing.changes.models import ChangeRequest
from billing.changes.sealed import digest_of, read
from billing.mirror.resources.customer.models import Customer, IngestAlias


@pytest.mark.django_db(transaction=True)
def test_it_grows_an_account_and_asks_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ROUNDS", 1)
    monkeypatch.setattr(files, "ROUNDS", 1)
    people = growing.grow(2_000)
    assert (Customer.objects.count(), IngestAlias.objects.count()) == (2_000, 3_000)
    assert ChangeRequest.objects.count() == 201
    assert AuditEvent.objects.filter(reference__gt="CR-1").count() == 200 * 8
    grown = ChangeRequest.objects.get(reference="CR-100100")
    text = read(grown.sealed)
    assert (digest_of(grown.sealed), text.reference, text.calls[0].key) == (
        grown.digest,
        "CR-100100",
        grown.calls.get().key,
    )
    with override_settings(ROOT_URLCONF="bench.urls"):
        measured = pages.measure(people)
        taken = files.measure(people["auditor"])
        assert [file.name for file, _ours, _copy in taken] == ["customers", "contracts", "record"]
        assert min(min(ours, copy) for _file, ours, copy in taken) > 0
    assert {row.name for row, _ours, _limit in measured} > {"frame", "inbox", "request page", "system"}
    assert all(ours > 0 and limit > 0 for _row, ours, limit in measured)


@pytest.mark.django_db(transaction=True)
def test_it_applies_with_worker_processes_beside_plain_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "WORKERS", ((1, 2), (2, 1)))
    monkeypatch.setattr(applying, "CHANGES_A_THREAD", 1)

    one, two = applying.measure()

    assert ((one.processes, one.threads), (two.processes, two.threads)) == ((1, 2), (2, 1))
    assert all(speed.ours > 0 and speed.limit > 0 for speed in (one, two))
    assert all(speed.requests_a_change >= 3 for speed in (one, two))
    assert all(1 < speed.cpu_ms_a_change < 10_000 for speed in (one, two))
    assert set(ChangeRequest.objects.values_list("status", flat=True)) == {"applied"}
    assert ChangeRequest.objects.count() == 4
