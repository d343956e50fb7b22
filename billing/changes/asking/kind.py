"""What a kind is: one thing people ask for, from its form to the calls it stands for. A kind never sends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.proposal import Proposal
from billing.changes.asking.wording import in_our_words
from billing.changes.sealed import SealedRequest
from billing.changes.typed import ReasonField
from billing.roles import Can


@dataclass(frozen=True, slots=True)
class Hint:
    """Live advice beside a form. Tones: bad, warn, info or good. customer_id: whom it names."""

    tone: str
    text: str
    customer_id: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a rule of the policy may ask about. `label` is for people.

    watches: the field that must still be as it was when the call is sent, if a matching rule looked at this.
    """

    label: str
    type: type
    watches: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Some fields of a form that belong together. `names` may end with `*`.

    shown_for: `field=value`, or `field=value:` for what begins so: of use only then; a script hides it
    otherwise, unless something stands in it.
    """

    title: str
    names: tuple[str, ...]
    note: str = ""
    shown_for: str = ""

    def holds(self, name: str) -> bool:
        """Whether a field of this name belongs to it."""
        return any(fnmatchcase(name, each) for each in self.names)


class ProposalForm(forms.Form):
    """The base of every kind's form: the reason comes last, for every kind."""

    parts: ClassVar[tuple[Part, ...]] = ()
    """Where a form is long: what its page has headings for. The reason belongs to none."""

    reason = ReasonField(
        label="Reason",
        help_text="Kept for ever in the audit record. Say what somebody else can check.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    field_order: ClassVar[list[str] | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = dict(self.initial)  # a form of its own may add to it
        self.order_fields([name for name in self.fields if name != "reason"] + ["reason"])

    def full_clean(self) -> None:
        """Judge what was entered; fields that a kind has added meanwhile are told of like any other."""
        for field in self.fields.values():
            in_our_words(field)
        super().full_clean()

    def sections(self) -> list[tuple[Part, list[forms.BoundField]]]:
        """The fields in their order, part by part; a last one without a title has what no part holds."""
        bound = list(self)
        drawn = [(part, [field for field in bound if part.holds(field.name)]) for part in self.parts]
        held = {field.name for _part, fields in drawn for field in fields}
        return [*drawn, (Part("", ()), [field for field in bound if field.name not in held])]


class Kind(ABC):
    """One kind of change request. `name` is `noun.verb`; `label` is the button's words."""

    name: ClassVar[str]
    label: ClassVar[str]
    send_label: ClassVar[str] = "Send for approval"
    irreversible: ClassVar[bool] = False
    asked_by: ClassVar[Can] = Can.PROPOSE
    """What whoever asks for it has to be allowed."""
    needs_customer: ClassVar[bool] = True
    needs_survey: ClassVar[bool] = False
    has_page: ClassVar[bool] = True
    """Whether its form is a page of its own at /changes/new/<name>/."""
    survey_about: ClassVar[str] = ""
    """What is read live before its form can be sent, in words that begin a sentence."""
    survey_part: ClassVar[str] = ""
    """The template that draws what was read."""
    facts: ClassVar[dict[str, Fact]] = {}
    """What its proposals tell the policy, beside whether they can be undone."""
    least: ClassVar[dict[str, Any]] = {}
    """What every proposal of it says at the least, so that the form can tell who will have to approve."""
    writes: ClassVar[tuple[str, ...]] = ()
    """Groups of a customer's fields that it writes, `*` for all; empty where it makes something new."""
    undone_by: ClassVar[str] = ""
    """The kind that gives back what a request of this one has done."""
    is_undone_once_applied: ClassVar[bool] = True
    """Whether that is still the way back once all of it took effect, and not only a part."""

    @abstractmethod
    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        """The form, bound when `data` is given."""

    @abstractmethod
    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        """The proposal for valid input.

        Raises BadInput (with the field) for what only rows can tell, such as a value that another thing has.
        """

    def why_not(self, basis: Basis) -> str:
        """Why there is nothing that its form could ask for, as a sentence; empty where there is something.

        Asked of a basis that has all the kind needs. As it stands: what has to be chosen of the customer's
        own things, and there is none of them.
        """
        form = self.form(basis) if self.needs_customer else None
        empty = [field for field in form.fields.values() if _offers_nothing(field)] if form else []
        return f"This customer has no {empty[0].label.lower()} that this could be asked for." if empty else ""

    @abstractmethod
    def example(self, world: World) -> Example:
        """What a person would ask for of this kind in a small world. Raises NothingSuch.

        Demo and crash tables walk the kinds and take their requests and rows from this.
        """

    def as_entered(self, example: Example) -> Proposal:
        """The proposal of an example, through the form, as its page makes it. Raises ValueError."""
        opened = self.form(example.basis)
        typed = {field.html_name: field.value() for field in opened}
        form = self.form(example.basis, typed | {"reason": example.reason} | example.entered)
        if not form.is_valid():
            raise ValueError(f"the example of {self.name} is refused: {form.errors.as_json()}")
        entered = dict(form.cleaned_data)
        del entered["reason"]
        return self.build(entered, example.basis)

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """What the form of `undone_by` starts with for this request; None where nothing can be given back."""
        return None

    def at_least(self, facts: dict[str, Any]) -> tuple[tuple[str, int], ...]:
        """Steps, `(role, people)`, that it asks for whatever the policy says."""
        return ()

    def hints(self, entered: dict[str, Any], basis: Basis) -> list[Hint]:
        """Advice on half-entered input; empty when there is nothing to say."""
        return []


def _offers_nothing(field: forms.Field) -> bool:
    return isinstance(field, forms.ChoiceField) and field.required and not list(field.choices)


def quoted(text: str) -> str:
    """What somebody else has written, inside a sentence."""
    return f"“{text}”"
