"""What alerts on spend, usage, credit grants and plans look at, as far as their filters let them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from simulator.amounts import exact, plain
from simulator.checks import moment_of
from simulator.engine.balances import grants
from simulator.engine.invoices.invoicing import shown
from simulator.engine.prices.usage import quantity
from simulator.world import Row, World

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that an alert looks at: its value, what it is, and what a notification says about it."""

    value: Decimal
    cause: str | None = None
    members: Row = field(default_factory=dict)


Reader = Callable[[World, Row, str], Iterator[Reading]]


def in_currency(alert: Row, credit_type: Row | None) -> bool:
    """Whether an alert counts in this pricing unit; one without a unit counts in all."""
    return "credit_type" not in alert or (credit_type or {}).get("id") == alert["credit_type"]["id"]


def matches(alert: Row, entity: str, row: Row) -> bool:
    """Whether an alert's custom field filters let this contract, commit or credit through."""
    wanted = [
        each for each in alert.get("custom_field_filters", []) if each["entity"] in (entity, _either(entity))
    ]
    return all((row.get("custom_fields") or {}).get(each["key"]) == each["value"] for each in wanted)


def _either(entity: str) -> str:
    return "ContractCreditOrCommit" if entity in ("Commit", "ContractCredit") else entity


def _invoices(world: World, alert: Row, customer_id: str) -> Iterator[Row]:
    """This month's invoices: drafts of usage, and those finalized in the calendar month; none is void."""
    month = world.stamp()[:7]
    contracts = {each["id"]: each for each in world.contracts_of.get(customer_id, [])}
    for invoice in world.invoices_of.get(customer_id, []):
        if invoice["status"] == "VOID" or not in_currency(alert, invoice["credit_type"]):
            continue
        if invoice["status"] == "DRAFT" and invoice["type"] == "SCHEDULED":
            continue
        if invoice["status"] != "DRAFT" and invoice.get("issued_at", "")[:7] != month:
            continue
        contract = contracts.get(invoice.get("contract_id", ""), {})
        if matches(alert, "Contract", contract):
            yield shown(world, invoice)


def spend(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    """What the drafts come to before commits and credits, over all or for each group of lines."""
    lines = [
        line
        for invoice in _invoices(world, alert, customer_id)
        if invoice["status"] == "DRAFT"
        for line in invoice["line_items"]
        if line["type"] not in ("applied_commit_or_credit", "commit_purchase")
    ]
    sums: dict[str, Decimal] = {}
    for line in lines:
        group = _group(alert.get("group_values"), line)
        if group is not None:
            sums[group] = sums.get(group, Decimal(0)) + exact(line["total"])
    for group, value in sums.items():
        members = {"current_spend": plain(value), "credit_type_id": alert["credit_type"]["id"]}
        yield Reading(value, group or None, members)


def _group(wanted: list[Row] | None, line: Row) -> str | None:
    """`region=north`, empty when all lines count, None for a line of another group."""
    values = {**(line.get("pricing_group_values") or {}), **(line.get("presentation_group_values") or {})}
    names = []
    for each in wanted or []:
        value = values.get(each["key"])
        if value is None or each.get("value", value) != value:
            return None
        names.append(f"{each['key']}={value}")
    return ",".join(names)


def month_total(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    """All of the month's invoices in one sum."""
    totals = [exact(each["total"]) for each in _invoices(world, alert, customer_id)]
    if totals:
        members = {"current_spend": plain(sum(totals)), "credit_type_id": alert["credit_type"]["id"]}
        yield Reading(sum(totals, Decimal(0)), None, members)


def invoice_total(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    """Each of the month's invoices."""
    kinds = {each.upper() for each in alert.get("invoice_types_filter", [])}
    for each in _invoices(world, alert, customer_id):
        if not kinds or each["type"].upper() in kinds:
            members = {"invoice_id": each["id"], "invoice_total": each["total"]}
            yield Reading(exact(each["total"]), each["id"], members)


def usage(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    """Usage of the calendar month so far."""
    now = world.stamp()
    metric = world.billable_metrics[alert["billable_metric_id"]]
    value = quantity(world, customer_id, metric, f"{now[:7]}-01T00:00:00.000Z", now)
    yield Reading(value, None, {"billable_metric_id": metric["id"], "current_usage": plain(value)})


def days_until(world: World, at: str) -> Decimal:
    """Days, with their fraction."""
    return exact((moment_of(at, "at") - world.now()) / DAY)


def credit(*, percentage: bool = False) -> Reader:
    """What is left of all credit grants in force, or how much of them in percent."""

    def read(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
        now, wanted = world.stamp(), alert.get("credit_grant_type_filters")
        own = [
            each
            for each in world.credit_grants.values()
            if each["customer_id"] == customer_id
            and not each["voided_at"]
            and each["effective_at"] <= now < each["expires_at"]
            and in_currency(alert, each["grant_amount"]["credit_type"])
            and (not wanted or each["credit_grant_type"] in wanted)
        ]
        left = sum((grants.left(each) for each in own), Decimal(0))
        granted = sum((exact(each["grant_amount"]["amount"]) for each in own), Decimal(0))
        members = {"remaining_balance": plain(left), "credit_type_id": alert["credit_type"]["id"]}
        if own and not percentage:
            yield Reading(left, None, members)
        elif granted:
            yield Reading(left * 100 / granted, None, members)

    return read


def plan_days(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    """Days until each plan in force ends."""
    now = world.stamp()
    for each in (world.customer_plans[key] for key in world.plans_of.get(customer_id, [])):
        end = each["ending_before"]
        if (
            alert.get("plan_id", each["plan_id"]) == each["plan_id"]
            and end
            and each["starting_on"] <= now < end
        ):
            yield Reading(days_until(world, end), each["plan_id"])
