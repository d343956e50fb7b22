"""Reads and writes of one Metronome account, judged from raw answers. SDK types stop here.

Sources: API reference §1.2 (errors), §1.5 (idempotency), §2 (pagination), §3 (routes), §5 (audit log).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar
from uuid import UUID

from billing.metronome.budget import Budget, BudgetExhausted, BudgetUnavailable
from billing.metronome.calls import Answer, Sending
from billing.metronome.config import GatewayConfig
from billing.metronome.judging import (
    judged_read,
    judged_write,
    message_of,
    object_in,
    parsed,
    retry_after,
)
from billing.metronome.outcomes import (
    ReadFailed,
)
from billing.metronome.records import (
    AuditLogRecord,
    ContractRecord,
    CustomerPlanRecord,
    CustomerRecord,
    CustomFieldKeyRecord,
    InvoiceRecord,
    LogReading,
    OddRow,
    Page,
    PlanRecord,
)
from billing.metronome.rows import sort_out
from billing.metronome.transport import NoAnswer, RawAnswer, Wire

T = TypeVar("T")

READ_TOKEN_SECONDS = 60.0
MOST_PAGES = 1_000
MOST_EMPTY_PAGES = 3
"""So many pages in a row may be empty and still name a next one; then the list is taken for endless."""


class Gateway:
    """One account. Safe to share between threads; reads keep connections, every write has a fresh one."""

    def __init__(self, config: GatewayConfig) -> None:
        self.config = config
        self.budget = Budget(config.redis_url, config.requests_per_second)
        self._wire = Wire(config)
        self._lock = threading.Lock()
        self._spent = 0
        self._of_this_thread = threading.local()

    def __enter__(self) -> Gateway:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the budget's connections back, and end those to Metronome."""
        self._wire.close()
        self.budget.close()

    @property
    def requests_spent(self) -> int:
        """How many requests this gateway has sent so far."""
        return self._spent

    def take_write_token(self, timeout_seconds: float) -> None:
        """Wait for the budget before a write is journalled. Raises BudgetExhausted."""
        self.budget.take("write", timeout_seconds=timeout_seconds)

    @contextmanager
    def keeping(self, hold: Callable[[], None]) -> Iterator[None]:
        """Within this block and thread, call `hold` before each read and again once the budget lets it go.

        What `hold` raises ends the read unsent: long work renews its claim so, and stops when it has lost it.
        """
        outer = getattr(self._of_this_thread, "hold", None)
        self._of_this_thread.hold = hold
        try:
            yield
        finally:
            self._of_this_thread.hold = outer

    @contextmanager
    def noting(self, note: Callable[[CustomerRecord, float], None]) -> Iterator[None]:
        """Within this block and thread, hand each customer read by its id to `note`, with the monotonic
        second at which it was asked for: whoever wants it afterwards need not ask again.
        """
        outer = getattr(self._of_this_thread, "note", None)
        self._of_this_thread.note = note
        try:
            yield
        finally:
            self._of_this_thread.note = outer

    # --- reads

    def customer(self, customer_id: str) -> CustomerRecord | None:
        """One customer by id, archived or not; None when neither its address nor a list has it.

        A lone 404 is a suspicion: raises ReadFailed when a list names the customer all the same.
        """
        record = self.customer_at_its_address(customer_id)
        if record is None and any(
            self.customers_by_id([customer_id], archived=archived) for archived in (False, True)
        ):
            raise ReadFailed(
                "Metronome said that there is no such customer, but lists it; it is asked again."
            )
        return record

    def customer_at_its_address(self, customer_id: str) -> CustomerRecord | None:
        """The same for who asks the lists anyhow: None when Metronome says in words that there is none."""
        asked = time.monotonic()
        answer = self._read("GET", f"/v1/customers/{customer_id}")
        if answer.status == 404 and message_of(answer.body):
            return None
        about = f"customer {customer_id}"
        record = parsed(answer, lambda whole: CustomerRecord.from_json(object_in(whole)), about)
        if record.id != customer_id.lower():
            raise ReadFailed(
                "Metronome answered with another customer than the one asked for.", answer.evidence
            )
        if (note := getattr(self._of_this_thread, "note", None)) is not None:
            note(record, asked)
        return record

    def customers_page(
        self, *, archived: bool, cursor: str | None = None, limit: int = 100
    ) -> Page[CustomerRecord]:
        """One page of the active, or of the archived customers: `only_archived` replaces the set."""
        query = {"limit": limit, "only_archived": "true" if archived else None, "next_page": cursor}
        return self._page("/v1/customers", query, CustomerRecord.from_json)

    def customers_by_id(
        self, ids: Sequence[str], *, archived: bool, odd: list[OddRow] | None = None
    ) -> tuple[CustomerRecord, ...]:
        """Those of up to 100 customers that exist among the active, or the archived ones.

        odd: takes the rows that can't be read, here and in the next two; without it one raises ReadFailed.
        """
        query = {
            "customer_ids": ",".join(ids),
            "limit": 100,
            "only_archived": "true" if archived else None,
        }
        return self._pages(
            lambda cursor: self._page(
                "/v1/customers", query | {"next_page": cursor}, CustomerRecord.from_json
            ),
            odd,
        )

    def customers_holding_alias(self, alias: str) -> tuple[CustomerRecord, ...]:
        """Every customer, active or archived, that holds exactly this alias."""
        found: list[CustomerRecord] = []
        for archived in (False, True):
            query = {"ingest_alias": alias, "limit": 100, "only_archived": "true" if archived else None}
            found += self._pages(
                lambda cursor, query=query: self._page(
                    "/v1/customers", query | {"next_page": cursor}, CustomerRecord.from_json
                )
            )
        return tuple(record for record in found if alias in record.ingest_aliases)

    def plans_page(self, cursor: str | None = None) -> Page[PlanRecord]:
        """One page of the account's plans."""
        return self._page("/v1/plans", {"limit": 100, "next_page": cursor}, PlanRecord.from_json)

    def plan_customers_page(
        self, plan_id: str, cursor: str | None = None
    ) -> Page[tuple[CustomerRecord | None, CustomerPlanRecord]]:
        """One page of a plan's subscriptions, ended and upcoming ones too.

        None stands for an odd customer, of which the subscription only needs the id.
        """

        def pair(row: dict[str, Any]) -> tuple[CustomerRecord | None, CustomerPlanRecord]:
            found, _odd = sort_out([row["customer_details"]], CustomerRecord.from_json)
            customer_id = found[0].id if found else str(UUID(row["customer_details"]["id"]))
            plan = CustomerPlanRecord.from_plan_list(customer_id, row["plan_details"])
            return (found[0] if found else None), plan

        query = {"limit": 100, "status": "all", "next_page": cursor}
        return self._page(f"/v1/planDetails/{plan_id}/customers", query, pair)

    def customer_plans(
        self, customer_id: str, odd: list[OddRow] | None = None
    ) -> tuple[CustomerPlanRecord, ...]:
        """All subscriptions of one customer, newest first."""
        return self._pages(
            lambda cursor: self._page(
                f"/v1/customers/{customer_id}/plans",
                {"limit": 100, "next_page": cursor},
                lambda row: CustomerPlanRecord.from_customer_list(customer_id, row),
            ),
            odd,
        )

    def custom_field_keys(
        self, entities: Sequence[str], odd: list[OddRow] | None = None
    ) -> tuple[CustomFieldKeyRecord, ...]:
        """The custom field keys that exist for these entities."""
        return self._pages(
            lambda cursor: self._page(
                "/v1/customFields/listKeys",
                {"next_page": cursor},
                CustomFieldKeyRecord.from_json,
                body={"entities": list(entities)},
            ),
            odd,
        )

    def contracts(self, customer_id: str) -> tuple[ContractRecord, ...]:
        """All contracts of one customer, archived ones too (the v2 list pages by a cursor in the body)."""

        def page(cursor: str | None) -> Page[ContractRecord]:
            body = {"customer_id": customer_id, "include_archived": True, "limit": 20}
            body |= {"cursor": cursor} if cursor else {}
            return self._page(
                "/v2/contracts/list", {}, ContractRecord.from_json, body=body, cursor_name="cursor"
            )

        return self._pages(page)

    def invoices(self, customer_id: str) -> tuple[InvoiceRecord, ...]:
        """All invoices of one customer, void ones too, oldest first."""
        query = {"limit": 100, "sort": "date_asc", "skip_zero_qty_line_items": "true"}
        return self._pages(
            lambda cursor: self._page(
                f"/v1/customers/{customer_id}/invoices",
                query | {"next_page": cursor},
                InvoiceRecord.from_json,
            )
        )

    def audit_log(
        self,
        *,
        starting_on: datetime,
        ending_before: datetime | None = None,
        resource: tuple[str, str] | None = None,
        newest_first: bool = False,
        limit_pages: int = 20,
        until: Callable[[AuditLogRecord], bool] | None = None,
    ) -> LogReading:
        """Metronome's own log from `starting_on`, up to limit_pages pages of 100; `resource`: (type, id).

        It ends with the page that has a row `until` was waiting for; the reading counts as whole then.
        `next_page` is always there, so an empty page is the end; it never travels with the two times.
        """
        query: dict[str, Any] = {
            "limit": 100,
            "sort": "date_desc" if newest_first else "date_asc",
            "starting_on": _as_metronome_says(starting_on),
        }
        if ending_before:
            query["ending_before"] = _as_metronome_says(ending_before)
        if resource:
            query |= {"resource_type": resource[0], "resource_id": resource[1]}
        rows: list[AuditLogRecord] = []
        odd = 0
        for _page in range(limit_pages):
            page = self._page("/v1/auditLogs", query, AuditLogRecord.from_json)
            rows += page.items
            odd += len(page.odd)
            found = until is not None and any(until(row) for row in page.items)
            if found or not (page.items or page.odd) or page.next_cursor is None:
                return LogReading(tuple(rows), odd=odd)
            query = {"limit": 100, "next_page": page.next_cursor}
        return LogReading(tuple(rows), odd=odd, cut=True)

    # --- writes

    def write(self, sending: Sending) -> Answer:
        """Spend a sending and return the answer, confirmed. Takes no budget: take_write_token comes before.

        Raises NotSent, Refused, Halt or OutcomeUnknown; NotToBeSent for a sending that was spent already.
        """
        sending.spend()
        config, call = self.config, sending.call
        headers = {
            "User-Agent": f"countersign/{config.version} ({config.installation}) {sending.reference}",
            "Idempotency-Key": sending.key.header,
        }
        answer = self._exchange(
            call.method, call.path, call.body, None, headers, config.deadline_seconds, keeps=False
        )
        return judged_write(answer, is_resend=sending.is_resend, ids_are_fresh=sending.ids_are_fresh)

    # --- the plumbing of reads

    def _pages(
        self, fetch: Callable[[str | None], Page[T]], odd: list[OddRow] | None = None
    ) -> tuple[T, ...]:
        """Every item of a list. Its odd rows go to `odd`; without it the first one raises ReadFailed."""
        items: list[T] = []
        empty = 0
        cursor: str | None = None
        seen: set[str] = set()
        for _page in range(MOST_PAGES):
            page = fetch(cursor) if odd is not None else fetch(cursor).whole()
            items += page.items
            if odd is not None:
                odd += page.odd
            empty = 0 if page.items or page.odd else empty + 1
            cursor = page.next_cursor
            if cursor is None:
                return tuple(items)
            if cursor in seen:
                raise ReadFailed("Metronome’s list goes round in a circle: a cursor came twice.")
            if empty > MOST_EMPTY_PAGES:
                raise ReadFailed("Metronome’s list doesn’t end: its pages are empty.")
            seen.add(cursor)
        raise ReadFailed(f"The list is longer than {MOST_PAGES} pages.")

    def _page(
        self,
        path: str,
        query: dict[str, Any],
        make: Callable[[dict[str, Any]], T],
        *,
        body: dict[str, Any] | None = None,
        cursor_name: str = "next_page",
    ) -> Page[T]:
        given = {name: value for name, value in query.items() if value is not None}
        answer = self._read("POST" if body is not None else "GET", path, body=body, query=given)

        def parse(whole: Any) -> Page[T]:
            rows = whole["data"]
            if not isinstance(rows, list):
                raise ValueError("`data` is not a list")
            cursor = whole.get(cursor_name)
            if cursor is not None and not isinstance(cursor, str):
                raise ValueError(f"`{cursor_name}` is not text")
            items, odd = sort_out(rows, make)
            return Page(items, cursor or None, odd)

        return parsed(answer, parse)

    def _read(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, Any] | None = None,
    ) -> RawAnswer:
        """One read: 2xx, or 404 for the caller to judge. Raises ReadFailed or Halt."""
        hold = getattr(self._of_this_thread, "hold", None) or (lambda: None)
        hold()
        try:
            self.budget.take("read", timeout_seconds=READ_TOKEN_SECONDS)
        except BudgetExhausted as problem:
            raise ReadFailed(str(problem), retry_after_seconds=problem.wait_seconds) from problem
        except BudgetUnavailable as problem:
            raise ReadFailed(str(problem)) from problem
        hold()
        headers = {"User-Agent": f"countersign/{self.config.version} ({self.config.installation})"}
        answer = self._exchange(
            method, path, body, query, headers, self.config.read_deadline_seconds, keeps=True
        )
        return judged_read(answer)

    def _exchange(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        query: dict[str, Any] | None,
        headers: dict[str, str],
        deadline_seconds: float,
        *,
        keeps: bool,
    ) -> RawAnswer | NoAnswer:
        with self._lock:
            self._spent += 1
        answer = self._wire.exchange(
            method,
            path,
            body=body,
            query=query,
            headers=headers,
            deadline_seconds=deadline_seconds,
            keeps=keeps,
        )
        if isinstance(answer, RawAnswer):
            self._heed(answer)
        return answer

    def _heed(self, answer: RawAnswer) -> None:
        """What an answer asks of everybody: to go slower, and to send nothing for a while."""
        if answer.status == 429:
            self.budget.slow_down()
        if answer.status in (429, 503) and (seconds := retry_after(answer, 0.0)):
            self.budget.hold(seconds)


def _as_metronome_says(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
