"""One edit of a contract: everything in it is checked on a copy, then carried out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simulator.checks import uuid_of
from simulator.engine.contracts import commits, contracts, links, recurring, subscriptions, terms
from simulator.engine.contracts.drafts import Draft
from simulator.engine.prices import schedules
from simulator.http import ApiError, Request
from simulator.world import Row, World

THRESHOLDS = ("spend_threshold_configuration", "prepaid_balance_threshold_configuration")
TOLD_OF_SUBSCRIPTIONS = ("ending_before", "name", "quantity_updates", "seat_updates")


class Edit:
    """A checked edit. Making one raises ApiError 400 and changes nothing; `carry_out` refuses nothing."""

    def __init__(self, world: World, request: Request, contract: Row) -> None:
        self._world, self._contract, self._given = world, contract, request.given
        self._row = copy.deepcopy(contract)
        self._told: Row = {}
        self._provider_at = ""
        self._own = {row["id"]: row for row in contracts.balances(world, contract)}
        self._updates: list[tuple[Row, Row]] = []
        self._archives: list[Row] = []
        if "add_revenue_system_configuration_update" in self._given:
            raise ApiError(400, "Revenue system configurations are not enabled for this account")
        self._members()
        self._remove()
        self._update()
        self._balances()
        self._thresholds()
        self._draft = Draft(world, request, self._row)
        self._draft.add(self._given, "add_")

    def _members(self) -> None:
        """The contract's own name, days, end and billing provider."""
        given, row = self._given, self._row
        if "update_contract_name" in given:
            row["name"] = given["update_contract_name"]
        if "update_net_payment_terms_days" in given:
            days = given["update_net_payment_terms_days"]
            terms.refuse_terms_days(days)
            row["net_payment_terms_days"] = days
        if "update_contract_end_date" in given:
            may_cut = given.get("allow_contract_ending_before_finalized_invoice", True)
            contracts.refuse_end(self._world, row, given["update_contract_end_date"], may_cut=may_cut)
            contracts.set_end(row, given["update_contract_end_date"])
        if update := given.get("add_billing_provider_configuration_update"):
            self._provider_at = links.bill_from(self._world, row, update)

    def _found(self, name: str, given_id: Any) -> int:
        """The place of a term in one of the contract's lists."""
        wanted = uuid_of(given_id, "id")
        for place, each in enumerate(self._row.get(name) or []):
            if each["id"] == wanted and not each.get("archived_at"):
                return place
        raise ApiError(400, f"{given_id} was not found in the contract's {name}")

    def _remove(self) -> None:
        given, row = self._given, self._row
        for each in given.get("remove_overrides", []):
            del row["overrides"][self._found("overrides", each["id"])]
        for each in given.get("archive_scheduled_charges", []):
            charge = row["scheduled_charges"][self._found("scheduled_charges", each["id"])]
            charge["archived_at"] = self._world.stamp()
        for alias in given.get("archive_spend_trackers", []):
            held = row.get("spend_trackers", [])
            if alias not in [each["alias"] for each in held]:
                raise ApiError(400, f"{alias} was not found in the contract's spend_trackers")
            row["spend_trackers"] = [each for each in held if each["alias"] != alias]

    def _update(self) -> None:
        contract = self._row
        self._replace(
            "subscriptions", "subscription", lambda row, each: subscriptions.updated(contract, row, each)
        )
        for kind in ("commit", "credit"):
            self._replace(
                f"recurring_{kind}s",
                f"recurring_{kind}",
                lambda row, each, kind=kind: recurring.updated(self._world, contract, row, each, kind),
            )
        self._replace("scheduled_charges", "scheduled_charge", self._charge)

    def _replace(self, name: str, what: str, update: Callable[[Row, Row], Row]) -> None:
        for each in self._given.get(f"update_{name}", []):
            place = self._found(name, each[f"{what}_id"])
            self._row[name][place] = update(self._row[name][place], each)

    def _charge(self, row: Row, given: Row) -> Row:
        row = copy.deepcopy(row)
        if "netsuite_sales_order_id" in given:
            row["netsuite_sales_order_id"] = given["netsuite_sales_order_id"]
        within = (self._row["starting_at"], self._row.get("ending_before"))
        if changes := given.get("invoice_schedule"):
            schedules.edit(self._world, self._row["customer_id"], row["schedule"], changes, within)
        return {name: value for name, value in row.items() if value is not None}

    def _balances(self) -> None:
        """Commits and credits that are changed or archived: each by itself, and only once in an edit."""
        seen: set[str] = set()

        def own(kind: str, given_id: Any) -> Row:
            row = self._own.get(uuid_of(given_id, "id"))
            if row is None or row["kind"] != kind:
                raise ApiError(400, f"{given_id} was not found in the contract's {kind}s")
            if row["id"] in seen:
                raise ApiError(400, f"{given_id} can be changed once in an edit")
            seen.add(row["id"])
            return row

        with self._new_end():
            for kind in ("commit", "credit"):
                for each in self._given.get(f"update_{kind}s", []):
                    row = own(kind, each[f"{kind}_id"])
                    commits.changed(self._world, row, each)
                    self._updates.append((row, each))
                for each in self._given.get(f"archive_{kind}s", []):
                    row = own(kind, each["id"])
                    commits.refuse_archive(self._world, row)
                    self._archives.append(row)

    @contextmanager
    def _new_end(self) -> Iterator[None]:
        """The contract ends as it will after the edit: the invoices of its commits must lie within that."""
        before = self._contract.get("ending_before")
        self._contract["ending_before"] = self._row.get("ending_before")
        try:
            yield
        finally:
            self._contract["ending_before"] = before

    def _thresholds(self) -> None:
        """What an update leaves out stays, what it makes null goes; a commit and a discount are merged."""
        for name in THRESHOLDS:
            if (given := self._given.get(f"update_{name}")) is None:
                continue
            if name not in self._row:
                raise ApiError(400, f"the contract has no {name}")
            old = self._row[name]
            new = {**old, **given}
            for inner in ("commit", "discount_configuration"):
                if given.get(inner):
                    new[inner] = {**old.get(inner, {}), **given[inner]}
            self._row[name] = terms.threshold(self._world, self._row, new)

    def carry_out(self) -> Row:
        """Do it; what the history tells of it."""
        told = {**self._as_given(), **self._draft.as_edit()}
        with self._new_end():
            for row, each in self._updates:
                commits.edit(self._world, row, each)
            for row in self._archives:
                commits.archive(self._world, row)
        edit = contracts.edited(self._world, self._contract, self._row, told, self._draft)
        if self._provider_at > self._world.stamp():
            links.plan_provider(self._world, self._contract, self._provider_at)
        return edit

    def _as_given(self) -> Row:
        """The parts of the request that the history repeats, ids under the name `id`."""
        told: Row = {}
        for name, value in self._given.items():
            if name.startswith(("archive_", "remove_")) and name != "archive_spend_trackers":
                told[name] = value
            elif name.startswith("update_") and isinstance(value, list):
                what = f"{name.removeprefix('update_').removesuffix('s')}_id"
                told[name] = [
                    {"id": each[what], **terms.without_nulls({k: v for k, v in each.items() if k != what})}
                    for each in value
                ]
            elif name in ("uniqueness_key", "update_contract_name", "update_contract_end_date"):
                told[name] = value
            elif name.endswith("_threshold_configuration"):
                told[name] = terms.without_nulls(value)
        for each in told.get("update_subscriptions", []):
            for name in each.keys() - {"id", *TOLD_OF_SUBSCRIPTIONS}:
                del each[name]
        return told
