"""What each alert type looks at, as far as the alert's filters let it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from simulator.amounts import exact, plain
from simulator.checks import moment_of
from simulator.engine import grants as credit_grants
from simulator.world import Row, World

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that an alert looks at: its value, what it is, and what a notification says about it."""

    value: Decimal
    cause: str | None = None
    members: Row = field(default_factory=dict)


Reader = Callable[[World, Row, str], Iterator[Reading]]


@dataclass(frozen=True, slots=True)
class Kind:
    """An alert type: how to read it, whom it concerns, and whether a low value is the alarm."""

    read: Reader
    customers: Callable[[World], Iterable[str]]
    low: bool = True


def _in_currency(alert: Row, credit_type: Row | None) -> bool:
    return "credit_type" not in alert or (credit_type or {}).get("id") == alert["credit_type"]["id"]


def _matches(world: World, alert: Row, entity: str, row: Row) -> bool:
    """Whether an alert's custom field filters let this contract, commit or credit through."""
    wanted = [
        each for each in alert.get("custom_field_filters", []) if each["entity"] in (entity, _either(entity))
    ]
    return all((row.get("custom_fields") or {}).get(each["key"]) == each["value"] for each in wanted)


def _either(entity: str) -> str:
    return "ContractCreditOrCommit" if entity in ("Commit", "ContractCredit") else entity


def _invoices(world: World, alert: Row, customer_id: str) -> Iterator[Row]:
    """This month's invoices: drafts, and those finalized in the calendar month; none that is void."""
    try:
        from simulator.engine.invoicing import shown
    except ImportError:

        def shown(_world: World, invoice: Row) -> Row:
            return invoice

    month = world.stamp()[:7]
    contracts = {each["id"]: each for each in world.contracts.get(customer_id, [])}
    for invoice in world.invoices.get(customer_id, []):
        if invoice["status"] == "VOID" or not _in_currency(alert, invoice["credit_type"]):
            continue
        if invoice["status"] != "DRAFT" and invoice.get("issued_at", "")[:7] != month:
            continue
        contract = contracts.get(invoice.get("contract_id", ""), {})
        if _matches(world, alert, "Contract", contract):
            yield shown(world, invoice)


def _spend(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
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


def _month_total(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    totals = [exact(each["total"]) for each in _invoices(world, alert, customer_id)]
    if totals:
        members = {"current_spend": plain(sum(totals)), "credit_type_id": alert["credit_type"]["id"]}
        yield Reading(sum(totals, Decimal(0)), None, members)


def _invoice_total(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    kinds = {each.upper() for each in alert.get("invoice_types_filter", [])}
    for each in _invoices(world, alert, customer_id):
        if not kinds or each["type"].upper() in kinds:
            members = {"invoice_id": each["id"], "invoice_total": each["total"]}
            yield Reading(exact(each["total"]), each["id"], members)


def _usage(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    """Usage of the calendar month so far."""
    from simulator.engine.usage import quantity

    now = world.stamp()
    metric = world.billable_metrics[alert["billable_metric_id"]]
    value = quantity(world, customer_id, metric, f"{now[:7]}-01T00:00:00.000Z", now)
    yield Reading(value, None, {"billable_metric_id": metric["id"], "current_usage": plain(value)})


def _balances(
    world: World, alert: Row, customer_id: str, kinds: tuple[str, ...]
) -> Iterator[tuple[Row, list[Row]]]:
    """Commits and credits with their segments in force, as far as an alert's filters let them through."""
    now = world.stamp()
    contracts = {each["id"]: each for each in world.contracts.get(customer_id, [])}
    for commit_id in world.commits_of.get(customer_id, []):
        row = world.commits[commit_id]
        schedule = row.get("access_schedule") or {}
        segments = [
            each
            for each in schedule.get("schedule_items", [])
            if each["starting_at"] <= now < each["ending_before"]
        ]
        if (
            row["kind"] in kinds
            and segments
            and not row.get("archived_at")
            and schedule.get("access_type", "SPEND") == alert.get("access_type", "SPEND")
            and _in_currency(alert, schedule.get("credit_type"))
            and _matches(world, alert, "Commit" if row["kind"] == "commit" else "ContractCredit", row)
            and _matches(world, alert, "Contract", contracts.get(row["contract_id"] or "", {}))
            and _specified(alert.get("alert_specifiers"), row, contracts.get(row["contract_id"] or "", {}))
        ):
            yield row, segments


def _specified(specifiers: list[Row] | None, row: Row, contract: Row) -> bool:
    """Whether one of the specifiers includes a balance and doesn't exclude it again."""

    def fits(each: Row) -> bool:
        names = {"commit": "Commit", "credit": "ContractCredit"}
        if each["entity"] not in ("Contract", "ContractCreditOrCommit", names[row["kind"]]):
            return False
        fields = (contract if each["entity"] == "Contract" else row).get("custom_fields") or {}
        return each["key"] in fields and each.get("value", fields[each["key"]]) == fields[each["key"]]

    def includes(each: Row) -> bool:
        excluded = any(
            all(fits(one) for one in out.get("custom_field_filters", [])) for out in each.get("exclude", [])
        )
        return all(fits(one) for one in each.get("custom_field_filters", [])) and not excluded

    return not specifiers or any(includes(each) for each in specifiers)


def _single(kind: str, *, percentage: bool = False) -> Reader:
    """Each commit's or credit's balance, or how much of its segments in force is left in percent."""

    def read(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
        from simulator.engine.commits import balance_of

        for row, segments in _balances(world, alert, customer_id, (kind,)):
            balance = exact(balance_of(world, row))
            granted = sum((exact(each["amount"]) for each in segments), Decimal(0))
            members = {f"{kind}_id": row["id"], "remaining_balance": plain(balance)}
            if not percentage:
                yield Reading(balance, row["id"], members)
            elif granted:
                yield Reading(balance * 100 / granted, row["id"], members)

    return read


def _together(*, percentage: bool = False) -> Reader:
    """The same for all commits and credits in one sum."""

    def read(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
        from simulator.engine.commits import balance_of

        rows = list(_balances(world, alert, customer_id, ("commit", "credit")))
        balance = sum((exact(balance_of(world, row)) for row, _segments in rows), Decimal(0))
        granted = sum((exact(each["amount"]) for _row, segments in rows for each in segments), Decimal(0))
        members = {"remaining_balance": plain(balance)}
        if rows and not percentage:
            yield Reading(balance, None, members)
        elif granted:
            yield Reading(balance * 100 / granted, None, members)

    return read


def _days(kind: str) -> Reader:
    def read(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
        for row, segments in _balances(world, alert, customer_id, (kind,)):
            for each in segments:
                yield Reading(_days_until(world, each["ending_before"]), row["id"], {f"{kind}_id": row["id"]})

    return read


def _days_until(world: World, at: str) -> Decimal:
    return exact((moment_of(at, "at") - world.now()) / DAY)


def _credit(*, percentage: bool = False) -> Reader:
    """What is left of all credit grants in force, or how much of them in percent."""

    def read(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
        now, wanted = world.stamp(), alert.get("credit_grant_type_filters")
        own = [
            each
            for each in world.credit_grants.values()
            if each["customer_id"] == customer_id
            and not each["voided_at"]
            and each["effective_at"] <= now < each["expires_at"]
            and _in_currency(alert, each["grant_amount"]["credit_type"])
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


def _plan_days(world: World, alert: Row, customer_id: str) -> Iterator[Reading]:
    now = world.stamp()
    for each in (world.customer_plans[key] for key in world.plans_of.get(customer_id, [])):
        end = each["ending_before"]
        if (
            alert.get("plan_id", each["plan_id"]) == each["plan_id"]
            and end
            and each["starting_on"] <= now < end
        ):
            yield Reading(_days_until(world, end), each["plan_id"])


def _seats(_world: World, _alert: Row, _customer_id: str) -> Iterator[Reading]:
    """Balances aren't kept by seat here: there is nothing to watch."""
    return iter(())


def _with_contracts(world: World) -> Iterable[str]:
    return world.contracts


def _with_balances(world: World) -> Iterable[str]:
    return world.commits_of


def _with_grants(world: World) -> Iterable[str]:
    return [each["customer_id"] for each in world.credit_grants.values()]


KINDS: dict[str, Kind] = {
    "spend_threshold_reached": Kind(_spend, _with_contracts, low=False),
    "monthly_invoice_total_spend_threshold_reached": Kind(_month_total, _with_contracts, low=False),
    "invoice_total_reached": Kind(_invoice_total, _with_contracts, low=False),
    "usage_threshold_reached": Kind(_usage, lambda world: world.customers, low=False),
    "low_remaining_commit_balance_reached": Kind(_single("commit"), _with_balances),
    "low_remaining_commit_percentage_reached": Kind(_single("commit", percentage=True), _with_balances),
    "low_remaining_days_for_commit_segment_reached": Kind(_days("commit"), _with_balances),
    "low_remaining_contract_credit_balance_reached": Kind(_single("credit"), _with_balances),
    "low_remaining_contract_credit_percentage_reached": Kind(
        _single("credit", percentage=True), _with_balances
    ),
    "low_remaining_days_for_contract_credit_segment_reached": Kind(_days("credit"), _with_balances),
    "low_remaining_contract_credit_and_commit_balance_reached": Kind(_together(), _with_balances),
    "low_remaining_contract_credit_and_commit_percentage_reached": Kind(
        _together(percentage=True), _with_balances
    ),
    "low_remaining_seat_balance_reached": Kind(_seats, _with_balances),
    "low_credit_balance_reached": Kind(_credit(), _with_grants),
    "low_remaining_credit_percentage_reached": Kind(_credit(percentage=True), _with_grants),
    "low_remaining_days_in_plan_reached": Kind(_plan_days, lambda world: world.plans_of),
}
