"""The part of a form that gives a customer a contract, from a rate card or from a package."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.changes.asking.kind import Part, quoted
from billing.changes.asking.kinds.customer.fields import NameField
from billing.changes.asking.kinds.plan.fields import LONGEST_TERMS, DayField, days_back, far_ahead
from billing.changes.asking.proposal import Caution
from billing.changes.refusals import BadInput
from billing.lists.text import counted
from billing.metronome.operations.base import Id
from billing.metronome.operations.contracts.create import NewContract
from billing.mirror.resources import RESOURCES
from billing.mirror.resources.package import brought_by, packages
from billing.mirror.resources.rate_card import rate_cards

RATE_CARD, PACKAGE = "rate_card", "package"
ON_OFFER = {RATE_CARD: rate_cards, PACKAGE: packages}
TERMS = (
    "contract_name",
    "contract_ending_before",
    "contract_net_payment_terms_days",
    "contract_frequency",
    "contract_statement_day",
)
"""What is said of a contract from a rate card alone: a package brings its own."""
CONTRACT_PARTS = (
    Part(
        "Contract",
        ("contract_source", "contract_starting_at"),
        note="From a rate card, with terms of its own, or from a package, which brings them.",
    ),
    Part("Terms", TERMS, shown_for=f"contract_source={RATE_CARD}:"),
)
NAMES = tuple(name for part in CONTRACT_PARTS for name in part.names)
FREQUENCIES = [
    ("", "As Metronome does: monthly"),
    ("MONTHLY", "Monthly"),
    ("QUARTERLY", "Quarterly"),
    ("ANNUAL", "Annually"),
    ("WEEKLY", "Weekly"),
]
STATEMENT_DAYS = [
    ("", "As Metronome does: the first of the month"),
    ("FIRST_OF_MONTH", "The first of the month"),
    ("CONTRACT_START", "The day that the contract starts on"),
]


class ContractFields(forms.Form):
    """From what, from when, and the terms that a rate card leaves open."""

    contract_source = forms.ChoiceField(label="Made from", required=False)
    contract_starting_at = DayField(
        label="Contract from", required=False, help_text="It starts at 00:00 UTC of this day."
    )
    contract_name = NameField(label="Contract’s name", required=False)
    contract_ending_before = DayField(
        label="Contract up to, not including",
        required=False,
        help_text="Without a day it goes on for good.",
    )
    contract_net_payment_terms_days = forms.IntegerField(
        label="Contract’s net payment terms, in days",
        required=False,
        min_value=0,
        max_value=LONGEST_TERMS,
        help_text="How long after its issue an invoice is due. Empty: Metronome’s own.",
    )
    contract_frequency = forms.ChoiceField(label="Usage is billed", choices=FREQUENCIES, required=False)
    contract_statement_day = forms.ChoiceField(
        label="Periods begin on", choices=STATEMENT_DAYS, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cards = [(f"{RATE_CARD}:{each.pk}", each.name) for each in rate_cards()]
        made_up = [(f"{PACKAGE}:{each.pk}", each.name) for each in packages()]
        groups = [("Rate cards", cards), ("Packages", made_up)]
        self.fields["contract_source"].choices = [
            ("", "No contract yet"),
            *((title, choices) for title, choices in groups if choices),
        ]

    def clean(self) -> dict[str, Any]:
        entered = super().clean()
        source = entered.get("contract_source")
        start, end = entered.get("contract_starting_at"), entered.get("contract_ending_before")
        if source and not start and "contract_starting_at" not in self.errors:
            self.add_error("contract_starting_at", "Say the day that the contract starts.")
        if start and end and end <= start:
            self.add_error("contract_ending_before", f"It has to be after {start}, when the contract starts.")
        if bool(entered.get("contract_frequency")) != bool(entered.get("contract_statement_day")):
            empty = "contract_statement_day" if entered.get("contract_frequency") else "contract_frequency"
            self.add_error(empty, "Say both how often usage is billed and when periods begin, or neither.")
        if not source and "contract_source" not in self.errors:
            self._refuse(entered, NAMES, "Choose a rate card or a package, or clear this.")
        elif source and source.startswith(PACKAGE):
            self._refuse(entered, TERMS, "A package brings its own terms: clear this.")
        return entered

    def _refuse(self, entered: dict[str, Any], names: tuple[str, ...], words: str) -> None:
        for name in names:
            if entered.get(name) not in (None, "") and name not in self.errors:
                self.add_error(name, words)


def new_contract(entered: dict[str, Any], customer_id: Id, billing_configuration_id: Id) -> NewContract:
    """What was entered, as the call takes it; a package takes no billing configuration."""
    source, _, of = entered["contract_source"].partition(":")
    start = f"{entered['contract_starting_at']}T00:00:00Z"
    if source == PACKAGE:
        return NewContract(customer_id, start, package_id=of)
    end = entered["contract_ending_before"]
    return NewContract(
        customer_id,
        start,
        rate_card_id=of,
        name=entered["contract_name"],
        ending_before=f"{end}T00:00:00Z" if end else "",
        net_payment_terms_days=entered["contract_net_payment_terms_days"],
        statement_frequency=entered["contract_frequency"],
        statement_day=entered["contract_statement_day"],
        billing_configuration_id=billing_configuration_id,
    )


def source_of(entered: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What it is made from, as a thing and as it is mirrored. Raises BadInput where the mirror lost it."""
    of = entered["contract_source"]
    noun, _, wanted = of.partition(":")
    row = next((each for each in ON_OFFER[noun]() if str(each.pk) == wanted), None)
    if row is None:
        raise BadInput("This is not mirrored any more. Choose again.", field="contract_source")
    return of, RESOURCES[noun].state(row)


def contract_form(entered: dict[str, Any]) -> dict[str, Any]:
    """What was entered of the contract, to prefill a new request."""
    return {name: entered[name] for name in NAMES}


def contract_words(entered: dict[str, Any], made_from: str) -> str:
    """`the contract “Order 12” from the rate card “List” from 2026-12-01 on, with 30 days to pay`."""
    source, _, _of = entered["contract_source"].partition(":")
    if source == PACKAGE:
        start = entered["contract_starting_at"]
        return (
            f"a contract from the package {quoted(made_from)} from {start} on, with the terms that it brings"
        )
    name, end = entered["contract_name"], entered["contract_ending_before"]
    days, frequency = entered["contract_net_payment_terms_days"], entered["contract_frequency"]
    told = [
        f"usage billed {dict(FREQUENCIES)[frequency].lower()}" if frequency else "",
        f"{counted(days, 'day', 'days')} to pay" if days is not None else "",
    ]
    terms = " and ".join(each for each in told if each)
    return (f"the contract {quoted(name)} " if name else "a contract ") + (
        f"from the {source.replace('_', ' ')} {quoted(made_from)} from {entered['contract_starting_at']} "
        f"{f'up to {end}' if end else 'on'}{f', with {terms}' if terms else ''}"
    )


def contract_cautions(entered: dict[str, Any], *, is_billed: bool) -> list[Caution]:
    """A start in the past or far ahead, what a package brings, and a contract billed through nothing."""
    cautions = far_ahead(entered["contract_starting_at"], "The contract")
    source, _, of = entered["contract_source"].partition(":")
    if source == PACKAGE:
        brings = ", ".join(brought_by(of)) or "what has not been read"
        cautions.append(
            Caution(
                "warn",
                "The package brings terms of its own.",
                f"It brings {brings}. Nothing of that is part of the call, and none of it is compared "
                "afterwards: look at the package in Metronome.",
            )
        )
    if back := days_back(entered["contract_starting_at"]):
        cautions.append(
            Caution(
                "warn",
                "The contract starts in the past.",
                f"{counted(back, 'day')} back: usage since then is billed under it.",
            )
        )
    if not is_billed:
        cautions.append(
            Caution(
                "warn",
                "The contract names no billing provider.",
                "Its invoices stay in Metronome: nothing sends them, unless a package names a provider.",
            )
        )
    return cautions
