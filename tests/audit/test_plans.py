"""How PostgreSQL reads the record: each filter in the order of an index, words and requests by their own."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from billing.audit import queries
from billing.audit.models import AuditEvent
from billing.audit.queries import AuditFilter
from billing.users import User

pytestmark = pytest.mark.django_db

CUSTOMER = UUID("9b85c1c1-5238-4f2a-a409-61412905e1e1")
MANY = """
INSERT INTO billing_auditevent (occurred_at, event_type, actor_id, actor_text, actor_role, subject_type,
       subject_id, subject_text, customer_id, reference, reason, digest, user_agent, request_id)
SELECT now() - n * interval '1 minute',
       CASE mod(n / 4, 10) WHEN 0 THEN 'change.submitted' ELSE 'change.checked' END,
       CASE mod(n, 8) WHEN 0 THEN %(mona)s END,
       CASE mod(n, 8) WHEN 0 THEN 'Mona' WHEN 1 THEN 'sweep' ELSE 'changes worker' END, '', 'change',
       '7', 'Halcyon', CASE mod(n, 50) WHEN 7 THEN %(customer)s::uuid END, 'CR-' || n / 16, '', '', '', ''
  FROM generate_series(1, 4000) n"""


@pytest.fixture
def mona() -> User:
    return User.objects.create_user(username="mona", password="x", name="Mona Manager", role="manager")


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (AuditFilter(), "audit_newest_first"),
        (AuditFilter(actor="mona"), "audit_by_actor"),
        (AuditFilter(actor="mona", event="change.submitted"), "audit_by_actor_event"),
        (AuditFilter(actor="sweep"), "audit_by_part"),
        (AuditFilter(actor="sweep", event="change.submitted"), "audit_by_part_event"),
        (AuditFilter(event="change.submitted"), "audit_by_event"),
        (AuditFilter(customer_id=CUSTOMER), "audit_by_customer"),
    ],
)
def test_a_filter_is_read_in_the_order_of_an_index(wanted: AuditFilter, index: str, mona: User) -> None:
    with connection.cursor() as cursor:  # rows by which every index can be told from every other
        cursor.execute(MANY, {"mona": mona.pk, "customer": CUSTOMER})
        cursor.execute("ANALYZE billing_auditevent")

    plan = _plan(wanted.rows().order_by("-occurred_at", "-id")[:51])

    assert f"Index Scan using {index} " in plan
    assert "Sort" not in plan


def test_a_request_that_goes_on_is_looked_up_by_its_reference(mona: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY, {"mona": mona.pk, "customer": CUSTOMER})
        cursor.execute("ANALYZE billing_auditevent")
    wanted = AuditFilter(actor="mona")
    page = queries.page(wanted, limit=50)
    assert {event.reference for event in page.rows} >= {"CR-0", "CR-24"}

    with CaptureQueriesContext(connection) as asked:
        assert queries.going_on(wanted, page) == {"CR-25"}  # has the 50th of hers and the 51st
    assert len(asked.captured_queries) == 1  # who is meant is not asked again
    assert "Scan on audit_by_reference" in queries._later(wanted.narrowed).explain()


def test_a_text_is_looked_up_by_its_words() -> None:
    plan = _plan(AuditFilter(text="halcyon").rows().values("pk"))

    assert "Bitmap Index Scan on audit_by_words" in plan
    assert "Seq Scan on billing_auditevent" not in plan


def _plan(rows: QuerySet[AuditEvent]) -> str:
    """How PostgreSQL reads rows when it may neither scan nor sort them without need."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    return rows.explain()
