"""Contracts: the list, and one contract with its terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from html import escape
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from billing import clock
from billing.audit.actors import Actor
from billing.audit.taking import Taking
from billing.lists.money import in_whole_units
from billing.lists.paging import Slice
from billing.mirror import ages
from billing.mirror.export import noun_csv
from billing.mirror.resources import RESOURCES
from billing.mirror.resources.contract import queries as mirror
from billing.mirror.resources.contract.queries import STATUSES, ContractFilter, ContractRow
from billing.mirror.resources.contract.resource import Contract
from billing.mirror.resources.customer import queries
from billing.pages import freshness
from billing.pages.detail import DetailPage
from billing.pages.inputs import Input
from billing.pages.listing import Column, ListPage
from billing.pages.markup import format_html
from billing.pages.nouns.named import link_to
from billing.pages.templatetags.countersign import day, instant, money, status
from billing.pages.web import url_of

NO_END = SafeString('<span class="quiet">no end</span>')
NOTHING = SafeString('<span class="quiet">–</span>')


class Line(NamedTuple):
    """One row with the name of what it was made from."""

    row: ContractRow
    made_from: str


def contract_status(row: Any) -> SafeString:
    """Missing, archived, ended, starting later or open."""
    if row.missing_since:
        return status("warn", "mark-stale", "Missing")
    if row.archived_at:
        return status("plain", "mark-archived", "Archived")
    now = clock.now()
    if row.ending_before and row.ending_before <= now:
        return status("plain", "mark-expired", "Ended")
    if row.starting_at > now:
        return status("info", "mark-expired", "Starting later")
    return status("good", "mark-active", "Open")


def _name(line: Line) -> SafeString:
    url = url_of("billing:contract", line.row.pk)
    return SafeString(f'<a class="name" href="{url}"><bdi>{escape(line.row.called)}</bdi></a>')


def _customer(line: Line) -> SafeString:
    url = url_of("billing:customer", line.row.customer_id)
    return SafeString(f'<a href="{url}"><bdi>{escape(line.row.customer_name)}</bdi></a>')


def _end(row: Any) -> SafeString:
    return day(row.ending_before) if row.ending_before else NO_END


def _statuses() -> Iterator[tuple[str, str]]:
    return ((of, words) for of, (words, _condition) in STATUSES.items())


class Contracts(ListPage):
    """Every contract that the mirror has read, of all customers."""

    name = "contracts"
    title = "Contracts"
    noun = ("contract", "contracts")
    icon = "contract"
    place = "mirror"
    filter = ContractFilter
    carried = ("sort", "customer")
    template = "contracts/list"
    inputs = (
        Input("q", "Name or id", "search", title="Words of names, beginnings of names, and whole ids"),
        Input(
            "status", "Status", "choice", lambda: ((of, words) for of, (words, _) in STATUSES.items()), any=""
        ),
    )
    columns = (
        Column("Contract", _name, sort="name"),
        Column("Customer", _customer, look="slack"),
        Column("Status", lambda line: contract_status(line.row), look="nowrap"),
        Column("From", lambda line: day(line.row.starting_at), sort="starting_at", falls=True, look="nowrap"),
        Column("Up to, not including", lambda line: _end(line.row), sort="ending_before", look="nowrap"),
        Column("Made from", lambda line: SafeString(f"<bdi>{escape(line.made_from)}</bdi>"), look="slack"),
    )
    none_yet = ("No contracts so far", "They are read customer by customer, after the first refresh.")
    none_left = (
        "No contract is left",
        "Search looks at the words and beginnings of names, and at whole ids.",
    )

    def page(self, wanted: ContractFilter, cursor: str | None = None) -> Slice[ContractRow]:
        return mirror.contracts(wanted, cursor)

    def rows(self, wanted: ContractFilter) -> QuerySet[Contract]:
        return mirror.in_order(wanted)

    def take(self, wanted: ContractFilter, actor: Actor) -> Taking:
        return noun_csv(RESOURCES["contract"], actor, self.rows(wanted), wanted.as_json())

    def drawn(self, request: HttpRequest, rows: list[ContractRow]) -> Any:
        names = mirror.sources(rows)
        lines = [Line(row, names.get(row.rate_card_id) or names.get(row.package_id) or "") for row in rows]
        return super().drawn(request, lines)

    def is_partial(self) -> bool:
        return mirror.are_some_unread()

    def is_muted(self, line: Line) -> bool:
        return bool(line.row.archived_at or line.row.missing_since)

    def said(
        self, request: HttpRequest, wanted: ContractFilter, fields: list[Any], more: dict[str, Any]
    ) -> Any:
        """The status that every visit begins with is no filter; whose they are is said by name."""
        said = super().said(request, wanted, fields, more)
        if wanted.status == ContractFilter().status:
            said.pop("status", None)
        if wanted.customer_id:
            owner = queries.customer(wanted.customer_id)
            said["customer"] = ("Customer", owner.name if owner else str(wanted.customer_id))
        return said

    def more(self, request: HttpRequest, wanted: ContractFilter, page: Slice[ContractRow]) -> dict[str, Any]:
        return {"are_some_unread": self.is_partial()}


class ContractPage(DetailPage):
    """One contract: its own facts, its terms in the order of time, Metronome's record."""

    name = "contract"
    of = Contracts
    template = "contracts/detail"

    def find(self, thing_id: UUID) -> Contract | None:
        return mirror.contract(thing_id)

    def called(self, thing: Contract) -> str:
        return str(thing)

    def facts(self, thing: Contract) -> list[tuple[str, Any]]:
        names, raw = mirror.sources([thing]), thing.raw or {}
        days, schedule = raw.get("net_payment_terms_days"), raw.get("usage_statement_schedule") or {}
        owner = reverse("billing:customer", args=[thing.customer_id])
        facts = [
            ("Customer", format_html('<a href="{}"><bdi>{}</bdi></a>', owner, thing.customer.name)),
            ("Status", contract_status(thing)),
            ("From", instant(thing.starting_at)),
            ("Up to, not including", instant(thing.ending_before) if thing.ending_before else NO_END),
            ("Rate card", _source("rate_card", thing.rate_card_id, names)),
            ("Package", _source("package", thing.package_id, names)),
            ("Net payment terms", f"{days} days" if days is not None else NOTHING),
            ("Usage is billed", str(schedule.get("frequency") or "").lower() or NOTHING),
            ("Made by", raw.get("created_by") or NOTHING),
        ]
        facts += [(f"{name} (custom field)", value) for name, value in sorted(thing.custom_fields.items())]
        return facts

    def more(self, request: HttpRequest, thing: Contract) -> dict[str, Any]:
        account = ages.freshness()
        return {
            "freshness": freshness.of_instant(thing.fetched_at, account),
            "refresh_url": reverse("billing:customer-refresh", args=[thing.customer_id]),
            "terms": [_drawn(term) for term in mirror.terms(thing)],
        }


def _source(page: str, source_id: UUID | None, names: dict[UUID, str]) -> Any:
    """What it was made from, leading to its page; by its id where the mirror has none of it."""
    if source_id in names:
        return link_to(page, source_id, names[source_id])
    return source_id or NOTHING


def _drawn(term: mirror.Term) -> dict[str, Any]:
    """A term as its page draws it; a quantity that is no currency's is a plain number."""
    amount: Any = ""
    if term.amount is not None:
        amount = money(*in_whole_units(term.amount, term.unit)) if term.unit else f"{term.amount:f}"
    return {
        "what": term.what,
        "name": term.name,
        "since": _day_of(term.since),
        "until": _day_of(term.until) or ("" if term.what == "Scheduled charge" else NO_END),
        "amount": amount,
        "words": term.words,
    }


def _day_of(text: str) -> Any:
    with suppress(ValueError):
        return day(datetime.fromisoformat(text))
    return text
