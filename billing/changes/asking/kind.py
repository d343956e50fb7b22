"""What a kind is: one thing people ask for, from its form to the calls it stands for. A kind never sends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms

from billing.changes.asking.proposal import Proposal
from billing.changes.oddities import spelled
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.changes.typed import ReasonField
from billing.metronome.text import TURNERS
from billing.mirror import queries as mirror

FIELD_GROUPS = ("name", "aliases", "custom_fields", "billing", "plans", "contracts")
"""What can be written to on a customer. Archiving takes them all."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Live advice beside a form: blocks nothing. tone: bad, warn, info or good."""

    tone: str
    text: str


class ProposalForm(forms.Form):
    """The base of every kind's form: the reason comes last, for every kind."""

    reason = ReasonField(
        label="Reason",
        help_text="Kept for ever in the audit record. Say what somebody else can check.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    field_order: ClassVar[list[str] | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields([name for name in self.fields if name != "reason"] + ["reason"])


class Kind(ABC):
    """One kind of change request. `name` is `noun.verb`; `label` is the button's words."""

    name: ClassVar[str]
    label: ClassVar[str]
    send_label: ClassVar[str] = "Send for approval"
    irreversible: ClassVar[bool] = False
    needs_customer: ClassVar[bool] = True
    needs_survey: ClassVar[bool] = False
    writes: ClassVar[tuple[str, ...]] = ()
    """Groups of a customer's fields that it writes, `*` for all; empty where it makes something new."""
    undone_by: ClassVar[str] = ""
    """The kind that gives back what a request of this one had done before it was closed."""

    @abstractmethod
    def form(
        self,
        data: Any = None,
        *,
        snapshot: dict[str, Any] | None = None,
        survey: dict[str, Any] | None = None,
        initial: dict[str, Any] | None = None,
    ) -> ProposalForm:
        """The form, bound when `data` is given. `initial` prefills it from an older request's `form`."""

    @abstractmethod
    def build(
        self,
        entered: dict[str, Any],
        *,
        snapshot: dict[str, Any] | None,
        survey: dict[str, Any] | None = None,
    ) -> Proposal:
        """The proposal for valid input over the customer's mirrored snapshot (None for a new one).

        Raises BadInput (with the field) for what only rows can tell, such as an alias that somebody holds.
        """

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """What the form of `undone_by` starts with for this request; None where nothing can be given back."""
        return None

    def hints(self, entered: dict[str, Any], *, snapshot: dict[str, Any] | None) -> list[Hint]:
        """Advice on half-entered input; empty when there is nothing to say."""
        return []


def refuse_held_aliases(aliases: list[str], *, own_id: str | None, field: str = "ingest_aliases") -> None:
    """Raise BadInput for a new alias that reads as another, or that another customer holds in the mirror."""
    if turned := next((alias for alias in aliases if TURNERS & set(alias)), ""):
        raise BadInput(f"“{spelled(turned)}” has a character that turns the text around.", field=field)
    for alias, holders in mirror.alias_holders(aliases).items():
        for holder in holders:
            if str(holder.id) != own_id:
                state = ", which is archived and keeps it for ever" if holder.archived_at else ""
                raise BadInput(f"“{alias}” is held by {holder.name}{state}.", field=field)


def refuse_archived(snapshot: dict[str, Any]) -> None:
    """Raise BadInput for a customer that is archived: Metronome has no way back."""
    if snapshot["archived_at"]:
        raise BadInput("This customer is archived, and an archived customer can't be changed.")


def quoted(text: str) -> str:
    """A name or alias inside a sentence."""
    return f"“{text}”"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 alias`, `3 aliases`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
