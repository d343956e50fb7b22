"""Move ingest aliases from one customer to another: taken away first, then given, as one request."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Hint, Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.fields import AliasChoice, mark_of
from billing.changes.asking.kinds.customer.free_aliases import free_aliases
from billing.changes.asking.kinds.customer.held import ALIAS_FACTS, refuse_archived
from billing.changes.asking.proposal import Caution, Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.lists.paging import is_storable
from billing.lists.text import counted
from billing.metronome.operations.base import thing
from billing.metronome.operations.customers.set_ingest_aliases import WholeSet
from billing.metronome.text import MOST_ALIASES
from billing.mirror.resources.customer import queries as mirror


class MoveForm(ProposalForm):
    """Which of its aliases, and to whom: an id, an alias, or a name that only one customer has."""

    to = forms.CharField(
        label="To the customer",
        max_length=400,
        help_text="Its id, one of its ingest aliases, or its name where no other customer has it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, held: Collection[str], wanted: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        boxes = AliasChoice(aliases=held, words="Move", label="Aliases to move")
        self.fields["ingest_aliases"] = boxes
        self.initial["ingest_aliases"] = boxes.marks(wanted)
        self.order_fields(["ingest_aliases", "to", "reason"])

    def clean_ingest_aliases(self) -> list[str]:
        if not self.cleaned_data["ingest_aliases"]:
            raise forms.ValidationError("Choose at least one alias.", code="required")
        return self.cleaned_data["ingest_aliases"]


class MoveAliases(Kind):
    """`customer.move_alias`"""

    name = "customer.move_alias"
    label = "Move ingest aliases"
    facts = ALIAS_FACTS
    writes = ("aliases",)
    undone_by = "customer.realias"
    is_undone_once_applied = False  # somebody else holds the alias then: it is moved back
    least = {"aliases_added": 1, "aliases_removed": 1}

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        held, wanted = basis.state.get("ingest_aliases", []), basis.again.get("ingest_aliases", [])
        return MoveForm(data, held=held, wanted=wanted, initial=basis.again)

    def why_not(self, basis: Basis) -> str:
        is_there = basis.state["ingest_aliases"]
        return "" if is_there else "This customer holds no ingest alias that could be moved."

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        refuse_archived(basis.state)
        giver, moving = basis.state, sorted(set(entered["ingest_aliases"]))
        held = giver["ingest_aliases"]
        for alias in moving:
            if alias not in held:
                raise BadInput(f"{quoted(alias)} is not held by this customer.", field="ingest_aliases")
        taker = _taker(entered["to"], giver_id=giver["id"])
        given = sorted({*taker["ingest_aliases"], *moving})
        if len(given) > MOST_ALIASES:
            raise BadInput(
                f"{taker['name']} would hold {len(given):,} aliases; {MOST_ALIASES:,} is the limit.",
                field="to",
            )
        kept = [alias for alias in held if alias not in moving]
        from_whom, to_whom = basis.thing, thing("customer", taker["id"])
        return Proposal(
            kind=self.name,
            sentence=f"Move {_named(moving)} from {quoted(giver['name'])} to {quoted(taker['name'])}.",
            customer_id=giver["id"],
            subject_text=giver["name"],
            before={from_whom: giver, to_whom: taker},
            calls=(
                Planned("customers.setIngestAliases", WholeSet(giver["id"], tuple(kept))),
                Planned(
                    "customers.setIngestAliases",
                    WholeSet(taker["id"], tuple(given)),
                    guards=free_aliases(moving, of=to_whom),
                ),
            ),
            holds=(
                of_itself(from_whom, "aliases"),
                of_itself(to_whom, "aliases"),
                *(of_itself(f"alias:{alias}") for alias in moving),
            ),
            watched={
                from_whom: {"ingest_aliases": held, "archived_at": None},
                to_whom: {"ingest_aliases": taker["ingest_aliases"], "archived_at": None},
            },
            facts={"irreversible": False, "aliases_added": len(moving), "aliases_removed": len(moving)},
            form={"ingest_aliases": moving, "to": taker["id"]},
            warnings=tuple(_warnings(moving, kept, giver["name"], taker["name"])),
        )

    def example(self, world: World) -> Example:
        giver, taker = world.customer("ingest_aliases"), world.customer()
        marks = [mark_of(giver.state["ingest_aliases"][0])]
        reason = "This product belongs to the subsidiary since the split."
        return Example(giver, reason, {"ingest_aliases": marks, "to": taker.state["id"]})

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """The former aliases of whom they were taken from."""
        former = request.before[thing("customer", request.customer_id)]
        return {"ingest_aliases": former["ingest_aliases"]}

    def hints(self, entered: dict[str, Any], basis: Basis) -> list[Hint]:
        if not entered.get("to"):
            return []
        try:
            taker = _taker(entered["to"], giver_id=basis.state.get("id"))
        except BadInput as refusal:
            return [Hint("bad", refusal.message)]
        holds = counted(len(taker["ingest_aliases"]), "alias", "aliases")
        return [Hint("info", f"To {quoted(taker['name'])} ({taker['id']}), which holds {holds} now.")]


def _taker(typed: str, *, giver_id: str | None) -> dict[str, Any]:
    """The one active customer that is meant. Raises BadInput, saying why there is none, or not just one."""
    found = mirror.customers_called(typed) if is_storable(typed) else []
    if not found:
        raise BadInput("No customer has this id, alias or name.", field="to")
    if len(found) > 1:
        raise BadInput("Several customers have this name: give the id of the one you mean.", field="to")
    taker = mirror.snapshot(found[0])
    if taker["id"] == giver_id:
        raise BadInput("That is the customer that holds them already.", field="to")
    if taker["archived_at"]:
        raise BadInput(f"{taker['name']} is archived, and can’t be given anything.", field="to")
    return taker


def _named(aliases: list[str]) -> str:
    return (
        f"the alias {quoted(aliases[0])}" if len(aliases) == 1 else counted(len(aliases), "alias", "aliases")
    )


def _warnings(moving: list[str], kept: list[str], giver: str, taker: str) -> list[Caution]:
    cautions = [
        Caution(
            "warn",
            "Usage changes hands.",
            f"Events under {_named(moving)} are billed to {quoted(taker)} from then on. Between the two "
            "calls, and for good should the second be refused, they match no customer.",
        )
    ]
    if not kept:
        cautions.append(
            Caution(
                "warn",
                f"No alias is left to {quoted(giver)}.",
                "Its usage can then only be sent under the customer’s id.",
            )
        )
    return cautions
