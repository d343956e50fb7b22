"""Create a customer. At least one ingest alias: our only handle for finding it after an unclear answer."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Hint, Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.cautions import (
    alias_cautions,
    name_cautions,
    namesake_cautions,
    near_alias_cautions,
    near_alias_words,
    refuse_ids_of_others,
)
from billing.changes.asking.kinds.customer.fields import AliasesField, NameField, clean_custom_fields
from billing.changes.asking.kinds.customer.free_aliases import free_aliases
from billing.changes.asking.kinds.customer.held import ALIAS_FACTS, refuse_held_aliases
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.oddities import oddities
from billing.lists.text import counted
from billing.metronome.operations.customers.create import NewCustomer
from billing.mirror.resources.custom_field_key import customer_field_keys
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.likeness import whose_ids

PREFIX = "custom_field:"


class CreateForm(ProposalForm):
    """Name, aliases and one input for each custom field key that the mirror knows."""

    name = NameField()
    ingest_aliases = AliasesField(
        help_text="At least one, one a line, 1 to 128 characters each. Usage events name it by these."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.custom_keys = customer_field_keys()
        for key in self.custom_keys:
            self.fields[PREFIX + key] = forms.CharField(
                label=key, max_length=200, required=False, help_text="Custom field, up to 200 characters."
            )
        self.order_fields([name for name in self.fields if name != "reason"] + ["reason"])

    def clean(self) -> dict[str, Any]:
        entered = super().clean()
        entered["custom_fields"] = clean_custom_fields(
            {key: entered.get(PREFIX + key) or "" for key in self.custom_keys}
        )
        return entered


def with_inputs(again: dict[str, Any]) -> dict[str, Any]:
    """What a form begins with, the custom fields each under the name of its own input."""
    custom = again.get("custom_fields") or {}
    return again | {PREFIX + key: value for key, value in custom.items()}


class CreateCustomer(Kind):
    """`customer.create`"""

    name = "customer.create"
    label = "Create customer"
    facts = ALIAS_FACTS
    needs_customer = False

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return CreateForm(data, initial=with_inputs(basis.again))

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        name, aliases, custom = entered["name"], entered["ingest_aliases"], entered["custom_fields"]
        refuse_held_aliases(aliases, own_id=None)
        refuse_ids_of_others(aliases, own_id=None)
        warnings = [
            *name_cautions(name),
            *namesake_cautions(name),
            *alias_cautions(aliases),
            *near_alias_cautions(aliases, own_id=None),
        ]
        return Proposal(
            kind=self.name,
            sentence=f"Create the customer {quoted(name)} with "
            f"{counted(len(aliases), 'ingest alias', 'ingest aliases')}.",
            customer_id=None,
            subject_text=name,
            before={},
            calls=(
                Planned(
                    "customers.create",
                    NewCustomer(name, tuple(aliases), custom),
                    guards=free_aliases(aliases),
                ),
            ),
            holds=tuple(of_itself(f"alias:{alias}") for alias in aliases),
            watched={},
            facts={"irreversible": False, "aliases_added": len(aliases), "aliases_removed": 0},
            form={"name": name, "ingest_aliases": aliases, "custom_fields": custom},
            warnings=tuple(warnings),
        )

    def example(self, world: World) -> Example:
        entered = {
            "name": "Kestrel Instruments Ltd",
            "ingest_aliases": "kestrel-instruments",
            f"{PREFIX}segment": "mid-market",
        }
        return Example(Basis(), "Signed order form, FIN-2251.", entered)

    def hints(self, entered: dict[str, Any], basis: Basis) -> list[Hint]:
        return alias_hints(entered.get("ingest_aliases") or [], own_id=None)


def alias_hints(aliases: list[str], *, own_id: str | None) -> list[Hint]:
    """Who holds these aliases already, and which are not what they look like."""
    hints = [
        Hint(
            "bad",
            f"{quoted(alias)} is held by {holder.name}" + (" (archived)" if holder.archived_at else "") + ".",
            str(holder.id),
        )
        for alias, holders in mirror.alias_holders(aliases).items()
        for holder in holders
        if str(holder.id) != own_id
    ]
    hints += [
        Hint("warn", f"{quoted(alias)} {' and '.join(words)}; that is part of the alias.")
        for alias in aliases
        if (words := oddities(alias))
    ]
    hints += [
        Hint("bad", f"{quoted(alike.asked)} is the id of {alike.customer_name}.", str(alike.customer_id))
        for alike in whose_ids(aliases, own_id=own_id)
    ]
    return hints + [Hint("warn", words) for words in near_alias_words(aliases, own_id=own_id)]
