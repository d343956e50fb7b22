"""Set custom fields of a customer: those that differ, and no other.

A value that has to be unique, and that another has, archived ones too, is Metronome's own to refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.guard import Guarding
from billing.changes.asking.kind import Fact, Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.create import PREFIX, with_inputs
from billing.changes.asking.kinds.customer.fields import clean_custom_fields
from billing.changes.asking.kinds.customer.held import refuse_archived
from billing.changes.asking.proposal import Guard, Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.lists.text import counted
from billing.metronome.account import Gateway
from billing.metronome.objects.custom_field_key import custom_field_keys
from billing.metronome.operations.custom_fields.set_values import FieldValues
from billing.metronome.text import LONGEST_FIELD_VALUE
from billing.mirror.resources.custom_field_key import customer_field_keys

MOST_NAMED = 4


class FieldKeysExist(Guarding):
    """The keys are there: Metronome takes no value under another."""

    name = "the custom field keys exist"

    def broken(
        self, gateway: Gateway, values: Sequence[str], *, own_id: str | None, most_requests: int | None
    ) -> list[str]:
        there = {each.key for each in gateway.every(custom_field_keys(["customer"]))}
        return [f"Metronome knows no custom field “{key}” by now." for key in values if key not in there]


class SetFieldsForm(ProposalForm):
    """One input a key that exists, with the value that it has."""

    def __init__(self, *args: Any, held: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held, self.keys = held, customer_field_keys()
        for key in self.keys:
            self.fields[PREFIX + key] = forms.CharField(
                label=key,
                max_length=LONGEST_FIELD_VALUE,
                required=False,
                help_text="Up to 200 characters. Emptied, it stays as it is: take a value away under Remove.",
            )
            self.initial.setdefault(PREFIX + key, held.get(key, ""))
        self.order_fields([name for name in self.fields if name != "reason"] + ["reason"])

    def clean(self) -> dict[str, Any]:
        entered = super().clean()
        given = clean_custom_fields({key: entered.get(PREFIX + key) or "" for key in self.keys})
        entered["custom_fields"] = {
            key: value for key, value in given.items() if value != self.held.get(key, "").strip()
        }
        emptied = [key for key in self.keys if self.held.get(key) and not entered.get(PREFIX + key)]
        for key in emptied:
            if PREFIX + key not in self.errors:
                self.add_error(PREFIX + key, "To take a value away, propose Remove custom fields.")
        return entered


class SetFields(Kind):
    """`customer.set_fields`"""

    name = "customer.set_fields"
    label = "Set custom fields"
    facts = {"fields_overwritten": Fact("Custom fields overwritten", int, watches="custom_fields")}
    writes = ("custom_fields",)
    undone_by = "customer.set_fields"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        held = basis.state.get("custom_fields", {})
        return SetFieldsForm(data, held=held, initial=with_inputs(basis.again))

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        refuse_archived(basis.state)
        wanted, held = entered["custom_fields"], basis.state["custom_fields"]
        if not wanted:
            raise BadInput("These are the values it has already.")
        whole = basis.thing
        return Proposal(
            kind=self.name,
            sentence=f"Set {_named(wanted)} of {quoted(basis.state['name'])}.",
            customer_id=basis.state["id"],
            subject_text=basis.state["name"],
            before={whole: basis.state},
            calls=(
                Planned(
                    "custom_fields.setValues",
                    FieldValues(basis.state["id"], wanted),
                    guards=(Guard(FieldKeysExist.name, tuple(wanted)),),
                ),
            ),
            holds=(of_itself(whole, "custom_fields"),),
            watched={whole: {"custom_fields": {key: held.get(key) for key in wanted}, "archived_at": None}},
            facts={"irreversible": False, "fields_overwritten": sum(key in held for key in wanted)},
            form={"custom_fields": wanted},
        )

    def example(self, world: World) -> Example:
        basis = world.customer("custom_fields")
        key = max(basis.state["custom_fields"])
        return Example(basis, "Reviewed with sales, FIN-2270.", {PREFIX + key: "key account"})

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """The former values, where there were any."""
        (watched,) = request.watched.values()
        former = {key: value for key, value in watched["custom_fields"].items() if value}
        return {"custom_fields": former} if former else None


def _named(wanted: dict[str, str]) -> str:
    if len(wanted) > MOST_NAMED:
        return counted(len(wanted), "custom field")
    return ", ".join(f"the custom field {key} to {quoted(value)}" for key, value in sorted(wanted.items()))
