"""Invoices in their time: drafts of usage, what is billed on dates, finalized, void, and made again.

One row on the agenda for each contract wakes it when something may be due; waking does whatever is, and may
happen at any time and any number of times. A usage draft has no `line_items`: they are computed when it is
shown, and written down when it is finalized.
"""

from __future__ import annotations

from simulator import agenda, notices
from simulator.agenda import due, later
from simulator.engine.balances.ledger import give_back
from simulator.engine.invoices.collecting import ERROR_CODE, UNREACHED, external_invoice
from simulator.engine.invoices.dated import (
    GRACE_HOURS,
    Dated,
    dated,
    ends_usage,
    first_billed,
    line_of,
    still_to_bill,
    true_up,
)
from simulator.engine.invoices.drawdown import draw
from simulator.engine.invoices.statements import (
    along,
    charges,
    contract_of,
    draft_of,
    invoices_of,
    is_measured,
    planned_drafts,
    preview,
    shown,
    with_lines,
)
from simulator.engine.invoices.subscription_lines import (
    billed,
    collected,
    goes_with_usage,
    is_in_advance,
    last_of,
    subscription_periods,
)
from simulator.engine.prices.periods import of_contract
from simulator.engine.prices.usage import meter
from simulator.world import Row, World

__all__ = ["begin", "close", "contract_of", "cut_drafts", "preview", "refresh", "regenerate", "schedule"]
__all__ += ["shown", "void"]
THRESHOLDS = ("prepaid_balance_threshold_configuration", "spend_threshold_configuration")
MOST_PAST = 24  # periods that lie before its creation for which a contract gets invoices
OF_A_BALANCE = ("commit_id", "commit_type", "commit_segment_id", "commit_custom_fields")
NOT_CHARGED = ("applied_commit_or_credit", "cpu_conversion")


def begin(world: World, contract: Row, at: str | None = None) -> None:
    """A contract has been stored: it has invoices from the next request on, or from a later instant."""
    _wake(world, contract, at or world.stamp())


def refresh(world: World, contract: Row) -> None:
    """A contract has changed: its open invoices follow at the next request."""
    _wake(world, contract, world.stamp())


def schedule(world: World, contract: Row, _source: Row) -> None:
    """A commit or charge has new dates to be billed on."""
    _wake(world, contract, world.stamp())


def close(world: World, contract: Row, void_invoices: bool) -> None:
    """A contract is archived: drafts of usage are void, those of later dates are gone.

    Where asked its finalized invoices are void, too.
    """
    for invoice in planned_drafts(world, contract).values():
        world.invoices_of[contract["customer_id"]].remove(invoice)
    for invoice in invoices_of(world, contract):
        if invoice["status"] == "DRAFT":
            invoice.update(shown(world, invoice), status="VOID")
            invoice.pop("issued_at", None)
        elif void_invoices and invoice["status"] == "FINALIZED":
            void(world, invoice)


def void(world: World, invoice: Row) -> None:
    """Make a finalized invoice void; balances get back what it drew."""
    invoice["status"] = "VOID"
    if invoice.get("external_invoice"):
        invoice["external_invoice"] = invoice["external_invoice"] | {"external_status": "VOID"}
    give_back(world, invoice["customer_id"], invoice["id"])


def regenerate(world: World, invoice: Row) -> Row:
    """A finalized invoice in the place of a void one: usage is measured anew, the rest is as it was.

    So is an invoice of given usage.
    """
    again = {**invoice, "id": world.new_id(), "regenerated_from_invoice_id": invoice["id"]}
    contract = contract_of(world, invoice)
    world.invoices_of[invoice["customer_id"]].append(again)
    if invoice["id"] in world.usage_of_invoice:
        world.usage_of_invoice[again["id"]] = world.usage_of_invoice[invoice["id"]]
    if contract is not None and invoice["id"] in world.usage_of_invoice:
        return _settle(
            world, contract, again, [each["line"] for each in world.usage_of_invoice[invoice["id"]]]
        )
    if contract is None:
        return _finalize(world, again)
    if invoice["type"] == "USAGE" and not is_measured(world, contract, invoice):
        world.as_loaded[again["id"]] = world.stamp()
        return _settle(world, contract, again, as_charged(invoice["line_items"]))
    moved = [each for each in dated(world, contract) if each.item.get("invoice_id") == invoice["id"]]
    for each in moved:
        each.item["invoice_id"] = again["id"]
    if invoice["type"] == "USAGE":
        lines = charges(world, contract, again, meter(world, invoice["customer_id"]))
    else:
        lines = as_charged(invoice["line_items"])
        true_up(world, lines, again["id"])
    return _settle(world, contract, again, lines)


def as_charged(lines: list[Row]) -> list[Row]:
    """Written lines as they were before balances paid for them; what a commit costs still names it."""
    return [
        {
            name: value
            for name, value in each.items()
            if each["type"] == "commit_purchase" or name not in OF_A_BALANCE
        }
        for each in lines
        if each["type"] not in NOT_CHARGED
    ]


def _wake(world: World, contract: Row, at: str) -> None:
    """Look at the contract's invoices at an instant, unless that happens before then anyway."""
    planned = world.invoice_wakes.get(contract["id"])
    if planned is None or at < planned:
        world.invoice_wakes[contract["id"]] = at
        whose = {"customer_id": contract["customer_id"], "contract_id": contract["id"]}
        agenda.plan(world, at, "contract.invoices", last=True, planned=at, **whose)


@due("contract.invoices")
def awake(world: World, *, customer_id: str, contract_id: str, planned: str) -> None:
    """Do what is due, and sleep until something else may be."""
    if world.invoice_wakes.get(contract_id) != planned:
        return
    del world.invoice_wakes[contract_id]
    contract = contract_of(world, {"customer_id": customer_id, "contract_id": contract_id})
    if contract is None or contract.get("archived_at"):
        return
    if any(contract.get(each) for each in THRESHOLDS):
        agenda.plan(
            world, world.stamp(), "contract.recharge", customer_id=customer_id, contract_id=contract_id
        )
    coming = []
    if contract.get("rate_card_id") in world.rate_cards:
        coming = _bill_usage(world, contract) + _bill_subscriptions(world, contract)
    coming += _bill_dates(world, contract)
    if coming:
        _wake(world, contract, min(coming))


def _bill_dates(world: World, contract: Row) -> list[str]:
    """An invoice for each date and currency: final once it has come, a draft before; when others come."""
    now, coming = world.stamp(), []
    planned, drafts = still_to_bill(world, contract), planned_drafts(world, contract)
    for key in drafts.keys() - planned.keys():
        world.invoices_of[contract["customer_id"]].remove(drafts[key])
    for (at, unit_id), rows in sorted(planned.items(), key=lambda pair: pair[0]):
        invoice = drafts.get((at, unit_id)) or _new(
            world, contract, "SCHEDULED", credit_type=dict(rows[0].schedule["credit_type"]), issued_at=at
        )
        due = world.issue_date_of.get(invoice["id"], at)
        if due > now:
            coming.append(due)
            continue
        lines = [line_of(world, each) for each in rows]
        for each in rows:
            each.item["invoice_id"] = invoice["id"]
        true_up(world, lines, invoice["id"])
        _settle(world, contract, invoice, lines)
    return coming


def _bill_subscriptions(world: World, contract: Row) -> list[str]:
    """What subscriptions cost that have invoices of their own; when there is more to do."""
    now, coming = world.stamp(), []
    for each in contract.get("subscriptions") or []:
        if goes_with_usage(each) and not is_in_advance(each):
            continue
        since, known = each["starting_at"], billed(world, contract, each)
        periods, last = subscription_periods(contract, each, since, now), last_of(contract, each)
        for period in periods[-MOST_PAST:]:
            for at, (start, end), part in collected(world, contract, each, period):
                if part[0]["starting_at"] in known or (
                    goes_with_usage(each) and ends_usage(world, contract, at)
                ):
                    continue
                if at > now:
                    coming.append(at)
                else:
                    invoice = _new(world, contract, "SCHEDULED", start_timestamp=start, end_timestamp=end)
                    _settle(world, contract, invoice, part)
        onward = periods[-1][1] if periods else since
        if onward > now and not (last and onward >= last):
            coming.append(onward)
    return coming


def _bill_usage(world: World, contract: Row) -> list[str]:
    """Drafts for periods that have begun, finalized after their grace; when there is more to do."""
    now, last = world.stamp(), contract.get("ending_before")
    cut_drafts(world, contract)
    mine = [
        each for each in invoices_of(world, contract, "USAGE") if each["id"] not in world.usage_of_invoice
    ]
    start = max([first_billed(world, contract), *(each.get("end_timestamp", "") for each in mine)])
    periods = []
    while start <= now and not (last and start >= last):
        end = of_contract(contract, start)[1]
        periods.append((start, end))
        start = end
    for begins, ends in periods[-MOST_PAST:]:
        mine.append(_new(world, contract, "USAGE", start_timestamp=begins, end_timestamp=ends))
    coming = [] if last and start >= last else [start]
    for invoice in mine:
        if invoice["status"] != "DRAFT" or "line_items" in invoice:
            continue
        usual = later(invoice["end_timestamp"], hours=GRACE_HOURS)
        if (at := world.issue_date_of.get(invoice["id"], usual)) > now:
            coming.append(at)
            continue
        lines = charges(world, contract, invoice, meter(world, contract["customer_id"]))
        for each in along(world, contract, invoice):
            each.item["invoice_id"] = invoice["id"]
        _settle(world, contract, invoice, lines)
    return coming


def cut_drafts(world: World, contract: Row) -> None:
    """Drafts end with their contract; those that would begin after it go."""
    last = contract.get("ending_before")
    for invoice in invoices_of(world, contract, "USAGE"):
        if invoice["status"] != "DRAFT" or "line_items" in invoice:
            continue
        if last and last <= invoice["start_timestamp"]:
            world.invoices_of[contract["customer_id"]].remove(invoice)
        else:
            invoice["end_timestamp"] = of_contract(contract, invoice["start_timestamp"])[1]


def bill_commit(world: World, contract: Row, row: Row, *, outcome: str, invoice: Row | None = None) -> Row:
    """Bill a commit now, on a draft of it or a new invoice; `outcome` is paid, failed or wait.

    The invoice is final, void where the commit isn't made, or a draft until somebody tells.
    """
    (item,) = row["invoice_schedule"]["schedule_items"]
    if invoice is None:
        unit = dict(row["invoice_schedule"]["credit_type"])
        invoice = _new(world, contract, "SCHEDULED", credit_type=unit)
    lines = [line_of(world, Dated("commit", row, item))]
    if outcome == "paid":
        item["invoice_id"] = invoice["id"]
        return _settle(world, contract, invoice, lines)
    invoice.update(with_lines(world, contract, invoice, lines))
    if outcome == "failed":
        invoice.update(status="VOID", issued_at=world.stamp())
    return invoice


def _new(world: World, contract: Row, kind: str, **members: object) -> Row:
    """Put a draft into the world that has no lines yet."""
    invoice = draft_of(world, contract, kind, id=world.new_id(), **members)
    world.invoices_of.setdefault(contract["customer_id"], []).append(invoice)
    return invoice


def _settle(world: World, contract: Row, invoice: Row, lines: list[Row]) -> Row:
    """Let balances pay for the lines, and finalize."""
    at = invoice.get("end_timestamp") or world.stamp()
    lines = draw(world, contract, lines, at, invoice["id"])
    invoice.update(with_lines(world, contract, invoice, lines))
    return _finalize(world, invoice)


def _finalize(world: World, invoice: Row) -> Row:
    invoice.update(status="FINALIZED", issued_at=world.stamp())
    if "contract_id" in invoice and invoice["id"] not in world.usage_of_invoice:
        invoice["external_invoice"] = external_invoice(world, contract_of(world, invoice), invoice)
    world.happened_by_itself(("invoice", invoice["id"]), "finalize")
    notices.invoice_finalized(world, invoice)
    if (invoice.get("external_invoice") or {}).get("external_status") == "INVALID_REQUEST_ERROR":
        notices.provider_error(world, invoice, UNREACHED, ERROR_CODE)
    return invoice


def issue_on(world: World, contract: Row, invoice: Row, at: str) -> None:
    """Finalize a draft of the contract at another time than the usual one."""
    world.issue_date_of[invoice["id"]] = at
    refresh(world, contract)
    if "line_items" in invoice:
        finalize_later(world, invoice, at)


def finalize_later(world: World, invoice: Row, at: str | None = None) -> None:
    """Plan the end of a draft whose lines are written already: a plan's, a seeded or a handmade one."""
    at = at or later(invoice["end_timestamp"], hours=GRACE_HOURS)
    whose = {"customer_id": invoice["customer_id"], "invoice_id": invoice["id"]}
    agenda.plan(world, at, "invoice.finalize", **whose)


@due("invoice.finalize")
def finalize(world: World, *, customer_id: str, invoice_id: str) -> None:
    """Finalize such a draft as it is, unless it is void by now, or to be issued later."""
    if world.issue_date_of.get(invoice_id, "") > world.stamp():
        return
    for invoice in world.invoices_of.get(customer_id, []):
        if invoice["id"] == invoice_id and invoice["status"] == "DRAFT":
            _finalize(world, invoice)
