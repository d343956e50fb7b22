"""What is read of one Metronome account, judged from raw answers. SDK types stop here.

Sources: API reference §2 (pagination), §3 (routes), §5 (audit log).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from billing.metronome.account import Account
from billing.metronome.judging import message_of, object_in, parsed
from billing.metronome.outcomes import ReadFailed
from billing.metronome.records import (
    AuditLogRecord,
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


class Gateway(Account):
    """An account with what is read of it, a noun at a time; writes are operations and pass `write`."""

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


def _as_metronome_says(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
