"""What is read of one Metronome account, judged from raw answers. SDK types stop here.

Sources: API reference §2 (pagination), §3 (routes), §5 (audit log).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from billing.metronome.account import Account
from billing.metronome.objects import audit_log as log
from billing.metronome.objects import custom_field_key, customer, invoice, plan, subscription
from billing.metronome.objects.audit_log import AuditLogRecord, LogReading
from billing.metronome.objects.custom_field_key import CustomFieldKeyRecord
from billing.metronome.objects.customer import CustomerRecord
from billing.metronome.objects.invoice import InvoiceRecord
from billing.metronome.objects.plan import PlanRecord
from billing.metronome.objects.subscription import CustomerPlanRecord
from billing.metronome.outcomes import ReadFailed
from billing.metronome.records import OddRow, Page


class Gateway(Account):
    """An account with what requests, checks and surveys ask of it by name; each is a listing or an item.

    Writes are operations and pass `write`.
    """

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
        record = self.one(customer.customer_at(customer_id))
        if record is None:
            return None
        if record.id != customer_id.lower():
            raise ReadFailed("Metronome answered with another customer than the one asked for.")
        if (note := getattr(self._of_this_thread, "note", None)) is not None:
            note(record, asked)
        return record

    def customers_page(
        self, *, archived: bool, cursor: str | None = None, limit: int = 100
    ) -> Page[CustomerRecord]:
        """One page of the active, or of the archived customers."""
        return self.page(customer.customers(archived=archived, limit=limit), cursor)

    def customers_by_id(
        self, ids: Sequence[str], *, archived: bool, odd: list[OddRow] | None = None
    ) -> tuple[CustomerRecord, ...]:
        """Those of up to 100 customers that exist among the active, or the archived ones.

        odd: takes the rows that can't be read; without it one raises ReadFailed.
        """
        return self.every(customer.customers(archived=archived, ids=ids), odd)

    def customers_holding_alias(self, alias: str) -> tuple[CustomerRecord, ...]:
        """Every customer, active or archived, that holds exactly this alias."""
        found: list[CustomerRecord] = []
        for archived in (False, True):
            found += self.every(customer.customers(archived=archived, alias=alias))
        return tuple(record for record in found if alias in record.ingest_aliases)

    def plans_page(self, cursor: str | None = None) -> Page[PlanRecord]:
        """One page of the account's plans."""
        return self.page(plan.PLANS, cursor)

    def customer_plans(self, customer_id: str) -> tuple[CustomerPlanRecord, ...]:
        """All subscriptions of one customer, newest first."""
        return self.every(subscription.customer_plans(customer_id))

    def custom_field_keys(self, entities: Sequence[str]) -> tuple[CustomFieldKeyRecord, ...]:
        """The custom field keys that exist for these entities."""
        return self.every(custom_field_key.custom_field_keys(entities))

    def invoices(self, customer_id: str) -> tuple[InvoiceRecord, ...]:
        """All invoices of one customer, void ones too, oldest first."""
        return self.every(invoice.invoices(customer_id))

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
        query = {
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
            page = self.page(log.audit_logs(query))
            rows += page.items
            odd += len(page.odd)
            found = until is not None and any(until(row) for row in page.items)
            if found or not (page.items or page.odd) or page.next_cursor is None:
                return LogReading(tuple(rows), odd=odd)
            query = {"next_page": page.next_cursor}
        return LogReading(tuple(rows), odd=odd, cut=True)


def _as_metronome_says(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
