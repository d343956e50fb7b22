"""Replace a customer's ingest aliases. Metronome replaces the whole set, so the whole set is proposed."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Hint, Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.cautions import (
    alias_cautions,
    near_alias_cautions,
    refuse_ids_of_others,
)
from billing.changes.asking.kinds.customer.create import alias_hints
from billing.changes.asking.kinds.customer.fields import AliasChoice, AliasesField, fits_a_line
from billing.changes.asking.kinds.customer.free_aliases import free_aliases
from billing.changes.asking.kinds.customer.held import ALIAS_FACTS, refuse_archived, refuse_held_aliases
from billing.changes.asking.proposal import Caution, Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.refusals import BadInput
from billing.lists.text import counted
from billing.metronome.operations.customers.set_ingest_aliases import WholeSet
from billing.metronome.text import MOST_ALIASES, TextRefused, check_alias


class ReplaceAliasesForm(ProposalForm):
    """All aliases the customer shall hold afterwards.

    Those that a line can't hold (made elsewhere, with a line break in them) stay unless their box is ticked;
    those of an older request that is proposed again come back unless their box is cleared.
    """

    ingest_aliases = AliasesField(required=False, label="Ingest aliases, all of them")

    def __init__(self, *args: Any, held: Collection[str], wanted: Collection[str], **kwargs: Any) -> None:
        initial = {**kwargs.pop("initial", {}), "ingest_aliases": [a for a in wanted if fits_a_line(a)]}
        super().__init__(*args, initial=initial, **kwargs)
        field = self.fields["ingest_aliases"]
        field.held = frozenset(held)
        field.widget.attrs["data-lines"] = "alias"
        if self.is_bound or set(held) != set(wanted):
            field.widget.attrs["data-held"] = json.dumps([alias for alias in held if fits_a_line(alias)])
        self.kept = [alias for alias in held if not fits_a_line(alias)]
        returning = [alias for alias in wanted if not fits_a_line(alias) and alias not in self.kept]
        if self.kept:
            gone = [alias for alias in self.kept if alias not in wanted]
            self.fields["removed"] = AliasChoice(
                aliases=self.kept, words="Remove", label="Kept apart: a line break is part of these"
            )
            self.initial["removed"] = self.fields["removed"].marks(gone)
        if returning:
            self.fields["returned"] = AliasChoice(
                aliases=returning, words="Add", label="Held before: a line break is part of these"
            )
            self.initial["returned"] = self.fields["returned"].marks(returning)
        self.order_fields([name for name in self.fields if name != "reason"] + ["reason"])

    def clean(self) -> dict[str, Any]:
        entered = super().clean()
        removed, returned = entered.pop("removed", []), entered.pop("returned", [])
        kept = [alias for alias in self.kept if alias not in removed]
        if "ingest_aliases" in entered:
            entered["ingest_aliases"] = [*entered["ingest_aliases"], *kept, *returned]
            if len(entered["ingest_aliases"]) > MOST_ALIASES:
                self.add_error("ingest_aliases", f"A customer can hold {MOST_ALIASES:,} aliases.")
        return entered


class ReplaceAliases(Kind):
    """`customer.realias`"""

    name = "customer.realias"
    label = "Change ingest aliases"
    facts = ALIAS_FACTS
    writes = ("aliases",)

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        held = basis.state.get("ingest_aliases", [])
        wanted = basis.again.get("ingest_aliases", held)
        return ReplaceAliasesForm(data, held=held, wanted=wanted, initial=basis.again)

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        refuse_archived(basis.state)
        wanted = entered["ingest_aliases"]
        held = basis.state["ingest_aliases"]
        added = sorted(set(wanted) - set(held))
        removed = sorted(set(held) - set(wanted))
        if not added and not removed:
            raise BadInput("These are the aliases it has already.", field="ingest_aliases")
        _refuse_malformed(added)
        refuse_held_aliases(added, own_id=basis.state["id"])
        refuse_ids_of_others(added, own_id=basis.state["id"])
        warnings = []
        if removed:
            warnings.append(
                Caution(
                    "warn",
                    f"{counted(len(removed), 'alias is', 'aliases are')} removed.",
                    "Usage events that name them match no customer any more: nothing is billed for them.",
                )
            )
        if not wanted:
            warnings.append(
                Caution("warn", "No alias is left.", "Usage can then only be sent under the customer’s id.")
            )
        warnings += alias_cautions(added)
        warnings += near_alias_cautions(added, own_id=basis.state["id"])
        whole = basis.thing
        return Proposal(
            kind=self.name,
            sentence=_sentence(basis.state["name"], added, removed),
            customer_id=basis.state["id"],
            subject_text=basis.state["name"],
            before={whole: basis.state},
            calls=(
                Planned(
                    "customers.setIngestAliases",
                    WholeSet(basis.state["id"], tuple(wanted)),
                    guards=free_aliases(added, of=whole),
                ),
            ),
            holds=(
                of_itself(whole, "aliases"),
                *(of_itself(f"alias:{alias}") for alias in added + removed),
            ),
            watched={whole: {"ingest_aliases": held, "archived_at": None}},
            facts={"irreversible": False, "aliases_added": len(added), "aliases_removed": len(removed)},
            form={"ingest_aliases": wanted},
            warnings=tuple(warnings),
        )

    def example(self, world: World) -> Example:
        basis = world.customer("ingest_aliases")
        wanted = [*filter(fits_a_line, basis.state["ingest_aliases"]), f"{basis.state['id'][:8]}-eu"]
        reason = "A data centre in Europe goes live this week."
        return Example(basis, reason, {"ingest_aliases": "\n".join(wanted)})

    def hints(self, entered: dict[str, Any], basis: Basis) -> list[Hint]:
        wanted = entered.get("ingest_aliases") or []
        held = set(basis.state.get("ingest_aliases", []))
        return alias_hints([alias for alias in wanted if alias not in held], own_id=basis.state.get("id"))


def _refuse_malformed(added: list[str]) -> None:
    """Raise BadInput for a new alias that can't be one; what only a box can add was held before."""
    try:
        for alias in filter(fits_a_line, added):
            check_alias(alias)
    except TextRefused as refusal:
        raise BadInput(str(refusal), field="ingest_aliases") from refusal


def _sentence(name: str, added: list[str], removed: list[str]) -> str:
    parts = []
    if added:
        parts.append(f"add {_named(added)} to")
    if removed:
        parts.append(f"remove {_named(removed)} from")
    words = " and ".join(parts)
    return f"{words[0].upper()}{words[1:]} the ingest aliases of {quoted(name)}."


def _named(aliases: list[str]) -> str:
    return quoted(aliases[0]) if len(aliases) == 1 else counted(len(aliases), "alias", "aliases")
