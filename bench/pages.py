"""The pages of a large account, each beside the SQL that somebody would write by hand for it and the frame.

Every round asks everything once, so that a busy minute of the machine falls on a page and its limit alike.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client

from bench.growing import FIRST_CUSTOMER
from billing.changes.models import ChangeRequest
from billing.lists.paging import Cursor
from billing.users import User

Work = Callable[[], object]
ROUNDS, ENOUGH_ROUNDS, PATIENCE_SECONDS = 15, 3, 150
KILOBYTE, FRAME = "/bench/kilobyte", "/bench/frame"


@dataclass(frozen=True, slots=True)
class Row:
    """One page as one person sees it. Its limit: the medians of `sql` and of the address `against`."""

    name: str
    role: str
    address: str
    goal: float
    sql: tuple[str, ...] = ()
    against: str = FRAME
    is_poll: bool = False


FACTS = """
  LATERAL (SELECT array_agg(alias ORDER BY alias) AS aliases FROM billing_ingestalias
            WHERE customer_id = c.id) a,
  LATERAL (SELECT array_agg(p.name) AS plans
             FROM billing_customerplan s JOIN billing_plan p ON p.id = s.plan_id
            WHERE s.customer_id = c.id) p"""
"""What a line of the list shows of a customer, searched for or not."""
CUSTOMERS = """
SELECT c.*, a.aliases, p.plans FROM (
  SELECT * FROM billing_customer WHERE archived_at IS NULL AND missing_since IS NULL {bound}
   ORDER BY sort_name, name, id LIMIT 51) c, {facts}"""
SEARCHED = """
WITH found AS MATERIALIZED (
   SELECT customer_id AS id FROM billing_ingestalias WHERE folded LIKE '{q}%'
   UNION SELECT id FROM billing_customer WHERE folded_external_id LIKE '{q}%' LIMIT 1001)
SELECT c.*, (SELECT count(*) FROM found), a.aliases, p.plans FROM (
  SELECT * FROM billing_customer WHERE id IN (SELECT id FROM found)
   ORDER BY sort_name, name, id LIMIT 51) c, {facts}"""
WAITING = """
SELECT c.*, u.name FROM billing_changerequest c JOIN billing_user u ON u.id = c.maker_id
 WHERE c.status = 'submitted' AND c.maker_id <> {me}
   AND NOT EXISTS (SELECT FROM billing_decision d WHERE d.change_id = c.id AND d.checker_id = {me})
   AND EXISTS (SELECT FROM billing_approvalstep s WHERE s.change_id = c.id AND s.role = 'manager'
       AND s.people > (SELECT count(*) FROM billing_decision d
                        WHERE d.step_id = s.id AND d.verdict = 'approve'))
 ORDER BY c.submitted_at, c.id LIMIT {limit}"""
REQUEST = (
    "SELECT * FROM billing_changerequest r JOIN billing_user u ON u.id = r.maker_id WHERE r.id = {id}",
    "SELECT * FROM billing_approvalstep WHERE change_id = {id}",
    "SELECT * FROM billing_decision d JOIN billing_user u ON u.id = d.checker_id WHERE change_id = {id}",
    "SELECT * FROM billing_call c LEFT JOIN billing_attempt a ON a.call_id = c.id WHERE c.change_id = {id}",
    "SELECT * FROM billing_auditevent WHERE reference = '{reference}' ORDER BY id",
)
UNSETTLED = """SELECT status, count(*), min(submitted_at) FROM billing_changerequest
 WHERE status IN ('submitted', 'approved', 'applying', 'unknown', 'partly_applied') GROUP BY status"""
RUNS = "SELECT * FROM billing_refreshrun ORDER BY started_at DESC LIMIT 15"
NEW = """SELECT count(*) FROM billing_customer
 WHERE created_at >= date_trunc('month', now()) AND missing_since IS NULL"""
DECISIONS = """
SELECT * FROM (SELECT * FROM billing_decision ORDER BY decided_at DESC, id DESC LIMIT 6) d
  JOIN billing_changerequest c ON c.id = d.change_id"""
EVENTS = "SELECT * FROM billing_auditevent ORDER BY occurred_at DESC, id DESC LIMIT 8"
OWN_EVENTS = """
SELECT * FROM billing_auditevent WHERE id IN (
  (SELECT id FROM billing_auditevent WHERE actor_id = {me} ORDER BY occurred_at DESC, id DESC LIMIT 8)
  UNION
  SELECT e.id FROM billing_changerequest c, LATERAL (
      SELECT id FROM billing_auditevent WHERE reference = c.reference ORDER BY id DESC LIMIT 8) e
   WHERE c.maker_id = {me} AND c.status IN (
      'submitted', 'approved', 'applying', 'unknown', 'partly_applied', 'blocked'))
 ORDER BY id DESC LIMIT 8"""
CUSTOMER = (
    "SELECT * FROM billing_customer WHERE id = '{id}'",
    "SELECT * FROM billing_ingestalias WHERE customer_id = '{id}' ORDER BY alias",
    "SELECT * FROM billing_customerplan s JOIN billing_plan p ON p.id = s.plan_id WHERE customer_id = '{id}'",
    "SELECT * FROM billing_changerequest WHERE customer_id = '{id}' ORDER BY submitted_at DESC LIMIT 11",
    "SELECT * FROM billing_auditevent WHERE customer_id = '{id}' ORDER BY id DESC LIMIT 10",
)
RECORD = "SELECT * FROM billing_auditevent WHERE {about} ORDER BY occurred_at DESC, id DESC LIMIT 51"
NO_TEXT = """WITH found AS MATERIALIZED (SELECT * FROM billing_auditevent WHERE words @@ 'zebra'::tsquery)
SELECT * FROM found ORDER BY occurred_at DESC, id DESC LIMIT 51"""
CONTRACTS = """
SELECT t.*, c.name AS whose, r.name AS made_from
  FROM (SELECT * FROM billing_contract WHERE {about} ORDER BY sort_name, id LIMIT 51) t
  JOIN billing_customer c ON c.id = t.customer_id LEFT JOIN billing_ratecard r ON r.id = t.rate_card_id
 ORDER BY t.sort_name, t.id"""
OPEN = "archived_at IS NULL AND (ending_before IS NULL OR ending_before > now())"
NAMED = """
WITH found AS MATERIALIZED (
   SELECT * FROM billing_contract WHERE {about} AND name_words @@ '{q}:*'::tsquery LIMIT 1001)
SELECT t.*, c.name AS whose, r.name AS made_from
  FROM (SELECT * FROM found ORDER BY sort_name, id LIMIT 51) t
  JOIN billing_customer c ON c.id = t.customer_id LEFT JOIN billing_ratecard r ON r.id = t.rate_card_id
 ORDER BY t.sort_name, t.id"""
REQUESTS = """SELECT * FROM billing_changerequest c JOIN billing_user u ON u.id = c.maker_id
 WHERE {about} ORDER BY c.submitted_at DESC, c.id DESC LIMIT 51"""
BY_PERSON = "c.maker_id = {pk} OR c.id IN (SELECT change_id FROM billing_decision WHERE checker_id = {pk})"
PLANS = """
SELECT p.*, (SELECT sum(number) FROM billing_plantally t
              WHERE t.plan_id = p.id AND (ending_before IS NULL OR ending_before > now()))
  FROM billing_plan p ORDER BY sort_name, name, id"""


def rows(people: dict[str, User]) -> list[Row]:
    """Everything that is measured, in the order of the table."""
    me = people["manager"].pk
    finance = people["finance"]
    manager, by_me = people["manager"].username, f"actor_id = {me}"
    waiting = WAITING.format(me=me, limit=51)
    change = ChangeRequest.objects.filter(status="submitted").order_by("-pk").first()
    about = [each.format(id=change.pk, reference=change.reference) for each in REQUEST]
    overview = (WAITING.format(me=me, limit=5), UNSETTLED, NEW, DECISIONS, EVENTS)
    page = f"/changes/{change.reference}/"
    middle = "AND (sort_name, id) > ('8', '00000000-0000-0000-0000-000000000000')"
    searched = SEARCHED.format(q="alias-1999", facts=FACTS)
    deep = _deep()
    return [
        Row("frame", "manager", FRAME, 1.5, against=KILOBYTE),
        Row("frame", "administrator", FRAME, 1.5, against=KILOBYTE),
        Row("frame", "finance", FRAME, 1.5, against=KILOBYTE),
        Row("customers, first", "auditor", "/customers/", 1.5, (CUSTOMERS.format(bound="", facts=FACTS),)),
        Row("customers, deep", "auditor", deep, 1.5, (CUSTOMERS.format(bound=middle, facts=FACTS),)),
        Row("search, alias", "auditor", "/customers/?q=alias-1999", 1.5, (searched,)),
        Row("search, half share", "auditor", "/customers/?q=meter", 1.5, (searched,)),
        Row("contracts, first", "auditor", "/contracts/", 1.5, (CONTRACTS.format(about=OPEN),)),
        Row("contracts, deep", "auditor", _deep_contracts(), 1.5, (
            CONTRACTS.format(about=f"{OPEN} AND (sort_name, id) > ('order 8', '{FIRST_CUSTOMER}')"),)),
        Row("contracts, ended", "auditor", "/contracts/?status=ended", 1.5, (
            CONTRACTS.format(about="archived_at IS NULL AND ending_before <= now()"),)),
        Row("contracts, word", "auditor", "/contracts/?q=abc", 1.5, (NAMED.format(about=OPEN, q="abc"),)),
        Row("contracts, half share", "auditor", "/contracts/?q=enterprise", 1.5, (
            NAMED.format(about=OPEN, q="abc"),)),
        Row("one customer", "manager", f"/customers/{change.customer_id}/", 3,
            tuple(each.format(id=change.customer_id) for each in CUSTOMER)),
        Row("inbox", "manager", "/changes/", 3, (waiting,)),
        Row("inbox, all", "manager", "/changes/?view=all", 3, (REQUESTS.format(about="true"),)),
        Row("inbox, kind", "manager", f"/changes/?view=all&kind={change.kind}", 3, (
            REQUESTS.format(about=f"kind = '{change.kind}'"),)),
        Row("inbox, person", "manager", f"/changes/?view=all&person={finance.username}", 3, (
            REQUESTS.format(about=BY_PERSON.format(pk=finance.pk)),)),
        Row("inbox, customer", "manager", f"/changes/?view=all&customer={change.customer_id}", 3, (
            REQUESTS.format(about=f"customer_id = '{change.customer_id}'"),)),
        Row("inbox, words of many", "manager", "/changes/?view=all&q=halcyon", 3, (
            REQUESTS.format(about="sentence ILIKE '%halcyon%'"),)),
        Row("inbox, words of none", "manager", "/changes/?view=all&q=zebra", 3, (NO_TEXT,)),
        Row("request page", "manager", page, 3, tuple(about)),
        Row("its poll", "manager", page, 1.3, against=KILOBYTE, is_poll=True),
        Row("system", "administrator", "/system/", 3, (UNSETTLED, RUNS)),
        Row("its poll", "administrator", "/system/", 1.3, against=KILOBYTE, is_poll=True),
        Row("overview", "manager", "/", 3, overview),
        Row("overview", "finance", "/", 3, (*overview[1:-1], OWN_EVENTS.format(me=finance.pk))),
        Row("record", "auditor", "/audit/", 3, (RECORD.format(about="true"),)),
        Row("record, person", "auditor", f"/audit/?actor={manager}", 3, (RECORD.format(about=by_me),)),
        Row("record, event + person", "auditor", f"/audit/?actor={manager}&event=change.approved", 3, (
            RECORD.format(about=f"event_type = 'change.approved' AND {by_me}"),)),
        Row("record, reference", "auditor", f"/audit/?q={change.reference}", 3, (about[-1],)),
        Row("record, text of many", "auditor", "/audit/?q=agreed", 3, (
            RECORD.format(about="reason ILIKE '%agreed%'"),)),
        Row("record, text of none", "auditor", "/audit/?q=zebra", 3, (NO_TEXT,)),
        Row("plans", "auditor", "/plans/", 3, (PLANS,)),
    ]  # fmt: skip


def measure(people: dict[str, User]) -> list[tuple[Row, float, float]]:
    """Each row with the medians of its page and of its limit, in milliseconds."""
    browsers = {role: Client() for role in people}
    for role, browser in browsers.items():
        browser.force_login(people[role])
    table = rows(people)
    works: dict[Any, Work] = {}
    for row in table:
        browser = browsers[row.role]
        works[_page(row)] = (_polling if row.is_poll else _asking)(browser, row.address)
        works[row.role, row.against, False] = _asking(browser, row.against)
        works |= {statement: _running(statement) for statement in row.sql}
    medians = _medians(works)
    return [
        (
            row,
            medians[_page(row)],
            medians[row.role, row.against, False] + sum(medians[statement] for statement in row.sql),
        )
        for row in table
    ]


def _medians(works: dict[Any, Work], rounds: int | None = None) -> dict[Any, float]:
    times: dict[Any, list[float]] = {name: [] for name in works}
    gc.collect()
    gc.freeze()
    started = time.monotonic()
    for number in range((rounds or ROUNDS) + 1):
        if number > ENOUGH_ROUNDS and time.monotonic() - started > PATIENCE_SECONDS:
            break
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if number:  # the first round warms up
                times[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(each) for name, each in times.items()}


def _page(row: Row) -> tuple[str, str, bool]:
    return row.role, row.address, row.is_poll


def _asking(browser: Client, address: str) -> Work:
    def ask() -> None:
        if browser.get(address).status_code != 200:
            raise SystemExit(f"{address} did not answer")

    return ask


def _polling(browser: Client, page: str) -> Work:
    """What an open page asks again and again. As the page does, it goes on from what the last answer said."""
    address = _poll(browser.get(page))

    def poll() -> None:
        nonlocal address
        answer = browser.get(address, headers={"HX-Request": "true"})
        if answer.status_code not in (200, 204):
            raise SystemExit(f"{address} answered {answer.status_code}")
        if answer.status_code == 200:
            address = _poll(answer)

    return poll


def _running(statement: str) -> Work:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.fetchall()

    return run


def _deep() -> str:
    """A page in the middle of the list."""
    return f"/customers/?cursor={Cursor('name', True, '8', str(FIRST_CUSTOMER))}"


def _deep_contracts() -> str:
    return f"/contracts/?cursor={Cursor('name', True, 'order 8', str(FIRST_CUSTOMER))}"


def _poll(answer: HttpResponse) -> str:
    """The address that an open page asks next, out of the page or of its last answer."""
    text = answer.content.decode()
    start = text.index('hx-get="', text.index('id="live"')) + len('hx-get="')
    return text[start : text.index('"', start)].replace("&amp;", "&")
