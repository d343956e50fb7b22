"""A contract as v2 and v1 show it, with its commits and credits, now or as of a date."""

from __future__ import annotations

import copy
from typing import Any

from simulator.engine.contracts import commits, subscriptions, trackers
from simulator.world import Row, World

OWN = ("amendments", "invoice_generation_starting_at", "royalty_segments")
ADDED_BALANCES = ("add_commits", "add_credits", "add_recurring_commits", "add_recurring_credits")
ORIGINS = ("id", "recurring_commit_id", "recurring_credit_id")
OUTSIDE_IN_V1 = ("id", "customer_id", "archived_at", "custom_fields", "package_id", "uniqueness_key")
OUTSIDE_IN_V1 += ("customer_billing_provider_configuration", "subscriptions")
BESIDE_IN_V1 = ("spend_trackers", "scheduled_charges_on_usage_invoices", "spend_threshold_configuration")
BESIDE_IN_V1 += ("prepaid_balance_threshold_configuration",)
ONLY_IN_V2 = ("usage_filter", "has_more", "reseller_royalties", "billing_provider_configuration_schedule")
ONLY_IN_V2 += ("priority", "multiplier_override_prioritization")


def balances(world: World, contract: Row) -> list[Row]:
    """The contract's commits and credits, archived ones too, oldest first."""
    ids = world.balances_of.get(contract["customer_id"], [])
    return [row for each in ids if (row := world.balances[each])["contract_id"] == contract["id"]]


def shown(
    world: World,
    contract: Row,
    *,
    balance: bool = False,
    ledgers: bool = False,
    archived: bool = False,
    as_of: str | None = None,
    recharged: bool = True,
) -> Row:
    """The v2 shape. `archived` shows archived commits too, `as_of` what there was at an instant.

    Without `recharged` what a threshold has added is left out.
    """
    row = contract if as_of is None else _as_of(world, contract, as_of)
    whole = {name: value for name, value in row.items() if name not in OWN and value is not None}
    drafts = commits.waiting(world, contract["customer_id"]) if balance or ledgers else {}
    if "spend_trackers" in whole:
        whole["spend_trackers"] = trackers.with_spend(world, contract, whole["spend_trackers"])
    joined: dict[str, list[Row]] = {"commit": [], "credit": []}
    for each in balances(world, contract):
        if each.get("recharges") and not recharged:
            continue
        if as_of is not None and each["created_at"] > max(as_of, contract["created_at"]):
            continue
        if not each["archived_at"] or archived or contract["archived_at"]:
            told = commits.show(world, each, balance=balance, ledger=ledgers, drafts=drafts)
            joined[each["kind"]].append(told)
    return whole | {
        "commits": joined["commit"],
        "credits": joined["credit"],
        "subscriptions": [subscriptions.shown(world, each) for each in row["subscriptions"]],
        "has_more": {"commits": False, "credits": False},
    }


def shown_v2(world: World, contract: Row, **options: Any) -> Row:
    """The same as v2 answers it, which does not tell everything of a credit."""
    whole = shown(world, contract, **options)
    for each in whole["credits"]:
        each.pop("rate_type", None)
    return whole


def _as_of(world: World, contract: Row, at: str) -> Row:
    """The contract before the first edit after an instant."""
    for each in world.edits_of.get(contract["id"], []):
        if each["edit"]["timestamp"] > at:
            return each["before"]
    return contract


def shown_v1(world: World, contract: Row, **options: Any) -> Row:
    """The v1 shape: the terms as they were at first and as they are now, and the amendments."""
    now = shown(world, contract, **options)
    edits = world.edits_of.get(contract["id"], [])
    first = shown(world, edits[0]["before"] if edits else contract, recharged=False, **options)
    later = {row["id"] for each in edits for name in ADDED_BALANCES for row in each["edit"].get(name, [])}
    whole = {name: now[name] for name in OUTSIDE_IN_V1 if name in now} | {
        "current": _terms_v1(contract, now),
        "initial": _terms_v1(edits[0]["before"] if edits else contract, first),
        "amendments": copy.deepcopy(contract.get("amendments", [])),
    }
    for name in ("commits", "credits"):
        whole["initial"][name] = [
            each for each in first[name] if not later & {each.get(origin) for origin in ORIGINS}
        ]
    for name in BESIDE_IN_V1:
        if name in now:
            whole[name] = now[name]
    return whole


def _terms_v1(contract: Row, whole: Row) -> Row:
    row = {name: value for name, value in whole.items() if name not in (*OUTSIDE_IN_V1, *ONLY_IN_V2)}
    if contract["usage_filter"]:
        filters = [
            {k: v for k, v in each.items() if k != "ending_before"} for each in contract["usage_filter"]
        ]
        row["usage_filter"] = {"initial": filters[0], "current": filters[-1], "updates": filters[1:]}
    if contract.get("royalty_segments"):
        row["reseller_royalties"] = contract["royalty_segments"]
    return row
