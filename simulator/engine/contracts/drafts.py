"""Terms on their way into a contract, for create, amend and edit: checked whole before any is stored."""

from __future__ import annotations

import copy

from simulator import fields
from simulator.engine.contracts import commits, gates, recurring, subscriptions, terms
from simulator.engine.contracts.contract_views import balances
from simulator.http import ApiError, Request
from simulator.world import Row, World

BUILDERS = {
    "scheduled_charges": terms.scheduled_charge,
    "discounts": terms.discount,
    "professional_services": terms.professional_service,
    "subscriptions": subscriptions.subscription,
}
ENTITIES = {name: name.removesuffix("s") for name in (*BUILDERS, "commits")} | {"credits": "contract_credit"}


class Draft:
    """Terms that are being added to a contract: checked, and not in the world until `store`.

    `contract` is the row to become; `added` what was added, by the name of its list, as rows to show.
    """

    def __init__(self, world: World, request: Request, contract: Row) -> None:
        self.world, self.request, self.contract = world, request, contract
        self.added: dict[str, list[Row]] = {}
        self._names: terms.Names = {}
        self._balances: list[Row] = []
        self._gates: dict[str, str] = {}  # by commit, what it is paid through before it is made
        self._recurring: list[tuple[str, Row]] = []

    def add(self, given: Row, prefix: str = "") -> None:
        """Every list of terms given to create, amend or edit (prefix `add_`). Raises ApiError 400 or 409."""
        for name, build in BUILDERS.items():
            for each in given.get(prefix + name, []):
                row = build(self.world, self.contract, each)
                self._name(each, row)
                self._put(name, row)
        for kind in ("commit", "credit"):
            for each in given.get(f"{prefix}recurring_{kind}s", []):
                row = self._recur(each, kind)
                self._name(each, row)
                self._put(f"recurring_{kind}s", row)
            for each in given.get(f"{prefix}{kind}s", []):
                self._balance(each, kind)
        names = self._balance_names()
        for each in given.get(f"{prefix}overrides", []):
            self._put("overrides", terms.override(self.world, self.contract, each, names))
        for each in given.get(f"{prefix}reseller_royalties", []):
            row = terms.royalty(self.world, self.contract, each)
            self.contract.setdefault("royalty_segments", []).append(row)
            self.added.setdefault("reseller_royalties", []).append(row)
            self.contract["reseller_royalties"] = terms.by_reseller(self.contract["royalty_segments"])
        if trackers := given.get(f"{prefix}spend_trackers"):
            own = self.contract.setdefault("spend_trackers", [])
            own += terms.spend_trackers(self.world, trackers, own)
        for name in ("spend_threshold_configuration", "prepaid_balance_threshold_configuration"):
            if (wanted := given.get(prefix + name)) is not None:
                if name in self.contract:
                    raise ApiError(400, f"the contract already has a {name}")
                self.contract[name] = terms.threshold(self.world, self.contract, wanted)
        for name, entity in ENTITIES.items():
            fields.check_together(self.world, entity, self.added.get(name, []))

    def _put(self, name: str, row: Row) -> None:
        self.contract.setdefault(name, []).append(row)
        self.added.setdefault(name, []).append(row)

    def _name(self, given: Row, row: Row) -> None:
        if "temporary_id" in given:
            self._names[given["temporary_id"]] = row["id"]

    def _recur(self, given: Row, kind: str) -> Row:
        own = {each["id"]: each["id"] for each in self.contract["subscriptions"]}
        row = recurring.recurring(self.world, self.contract, given, kind, own | self._names)
        if row.get("recurrence_frequency") == "DAILY" and any(
            each.get("recurrence_frequency") == "DAILY"
            for each in self.contract.get(f"recurring_{kind}s", [])
        ):
            raise ApiError(400, f"a contract may have one daily recurring {kind}")
        self._recurring.append((kind, row))
        return row

    def _balance(self, given: Row, kind: str) -> None:
        row = commits.prepare(
            self.world, self.request, self.contract["customer_id"], given, kind, self.contract
        )
        self._name(given, row)
        if gates.is_gated(given):
            gates.refuse(row)
            self._gates[row["id"]] = given["payment_gate_config"]["payment_gate_type"]
        self._balances.append(row)
        self.added.setdefault(f"{kind}s", []).append(row)

    def _balance_names(self) -> terms.Names:
        """Everything that an override may be specific to, by id and by temporary id."""
        held = [row["id"] for row in balances(self.world, self.contract)]
        for name in ("recurring_commits", "recurring_credits"):
            held += [row["id"] for row in self.contract.get(name, [])]
        held += [row["id"] for row in self._balances]
        return {each: each for each in held} | self._names

    def store(self, contract: Row) -> None:
        """Put the commits and credits into the world; their contract is in it by now. Nothing is refused."""
        for row in self._balances:
            if gate := self._gates.get(row["id"]):
                gates.attempt(self.world, contract, row, gate, "COMMIT")
            else:
                commits.store(self.world, row)
        for kind, row in self._recurring:
            recurring.begin(self.world, contract, row, kind)

    def shown(self) -> dict[str, list[Row]]:
        """What was added, as the API shows it."""
        return {
            name: [_shown_term(self.world, name, row) for row in rows] for name, rows in self.added.items()
        }

    def as_edit(self) -> dict[str, list[Row]]:
        """The same in the names of an edit."""
        names = {"professional_services": "pro_services"}
        told = {f"add_{names.get(name, name)}": rows for name, rows in self.shown().items()}
        for each in told.get("add_scheduled_charges", []):
            del each["custom_fields"]  # an edit does not tell these
        return told


def _shown_term(world: World, name: str, row: Row) -> Row:
    if name in ("commits", "credits"):
        return commits.show(world, row)
    if name == "subscriptions":
        return subscriptions.shown(world, row)
    return copy.deepcopy(row)
