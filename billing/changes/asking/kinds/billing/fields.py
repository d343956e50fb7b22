"""The part of a form that says through which provider a customer is billed: the vendor's documented names.

One of the account's own delivery methods is chosen where these are mirrored; until then its id is typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms

from billing.changes.asking.kind import Part
from billing.changes.asking.proposal import Caution
from billing.metronome.operations.base import Id
from billing.metronome.operations.billing.set import ALSO, DELIVERY_METHODS, NEEDED, NewConfiguration
from billing.metronome.text import TextRefused, check_text
from billing.mirror.resources.delivery_method import DeliveryMethod, delivery_methods

PROVIDERS = {
    "stripe": "Stripe",
    "aws_marketplace": "AWS Marketplace",
    "azure_marketplace": "Azure Marketplace",
    "gcp_marketplace": "GCP Marketplace",
    "netsuite": "NetSuite",
}
COLLECTION = {"send_invoice": "Send the invoice", "charge_automatically": "Charge automatically"}
METHODS = dict(
    zip(DELIVERY_METHODS, ("Direct to the billing provider", "AWS SQS", "Tackle", "AWS SNS"), strict=True)
)
OF_PROVIDER = {provider: (*names, *ALSO.get(provider, ())) for provider, names in NEEDED.items()}
LONGEST = 200
BILLING_PARTS = (
    Part(
        "Billing provider",
        ("billing_provider", "delivery_method", "delivery_method_id"),
        note="Nothing is billed through it until a contract names it.",
    ),
    *(Part(PROVIDERS[of], names, shown_for=f"billing_provider={of}") for of, names in OF_PROVIDER.items()),
)


@dataclass(frozen=True, slots=True)
class Billing:
    """A provider with what it needs, and how invoices reach it: by a method, or by the id of one."""

    provider: str
    configuration: dict[str, Any]
    delivery_method: str
    delivery_method_id: str

    @property
    def words(self) -> str:
        """`Stripe (cus_1, send the invoice)`"""
        values = [COLLECTION.get(value, value) for value in self.configuration.values() if value is not True]
        return f"{PROVIDERS[self.provider]} ({', '.join(str(value) for value in values)})"

    def of(self, customer_id: Id) -> NewConfiguration:
        """As the call takes it."""
        return NewConfiguration(
            customer_id, self.provider, self.configuration, self.delivery_method, self.delivery_method_id
        )

    def as_form(self) -> dict[str, Any]:
        """As it was entered, to prefill a new request."""
        return {
            "billing_provider": self.provider,
            "delivery_method": self.delivery_method or DELIVERY_METHODS[0],
            "delivery_method_id": self.delivery_method_id,
            **self.configuration,
        }


def delivery_cautions(billing: Billing) -> list[Caution]:
    """A provider that the account has no such way to, or a marketplace that nothing says how to reach."""
    if known := delivery_methods():
        return [] if any(_delivers(row, billing) for row in known) else [_not_set_up(billing)]
    if billing.provider != "aws_marketplace" or billing.delivery_method != DELIVERY_METHODS[0]:
        return []
    return [
        Caution(
            "warn",
            "AWS Marketplace, delivered directly.",
            "Only where the account is set up so; others deliver by SQS, SNS or Tackle. Which methods the "
            "account has is not read yet: Metronome refuses one that it has not.",
        )
    ]


def _delivers(row: DeliveryMethod, billing: Billing) -> bool:
    """Whether it is the one that was asked for, or one of that sort."""
    is_it = row.delivery_method == billing.delivery_method or str(row.pk) == billing.delivery_method_id
    return row.billing_provider == billing.provider and is_it


def _not_set_up(billing: Billing) -> Caution:
    words = METHODS.get(billing.delivery_method, "this delivery method")
    return Caution(
        "warn",
        f"The account has no such way to {PROVIDERS[billing.provider]}.",
        f"Not {_lowered(words)}, as of the last refresh. Metronome refuses what is not set up.",
    )


def _lowered(words: str) -> str:
    return words[0].lower() + words[1:] if words.startswith("Direct") else words


def _one_of(known: list[DeliveryMethod]) -> forms.ChoiceField:
    """The choice among the account's delivery methods, provider by provider."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in known:
        words = METHODS.get(row.delivery_method, row.delivery_method)
        told = row.told_by or (str(row.pk) if _are_alike(row, known) else "")
        groups.setdefault(PROVIDERS.get(row.billing_provider, row.billing_provider), []).append(
            (str(row.pk), f"{words} ({told})" if told else words)
        )
    return forms.ChoiceField(
        label="Delivery method of the account",
        required=False,
        choices=[("", "The one that it has of this sort"), *groups.items()],
        help_text="Needed where the account has several of one sort, such as two Stripe accounts.",
        error_messages={"invalid_choice": "The account has no such delivery method any more. Choose again."},
    )


def _are_alike(row: DeliveryMethod, known: list[DeliveryMethod]) -> bool:
    return len([each for each in known if _sort(each) == _sort(row)]) > 1


def _sort(row: DeliveryMethod) -> tuple[str, str]:
    return row.billing_provider, row.delivery_method


def spoken(words: str) -> str:
    """The words that a configuration is compared by, as said: `Stripe (cus_1, send the invoice)`."""
    provider, *needs = words.split(", ")
    values = [each.partition(" ")[2] for each in needs[:-1] if not each.endswith((" yes", " no"))]
    values.sort(key=lambda value: value in COLLECTION)  # whose account it is, then how it is collected
    said = ", ".join(_small(COLLECTION.get(value, value)) for value in values)
    return f"{PROVIDERS.get(provider, provider)} ({said})" if said else PROVIDERS.get(provider, provider)


def _small(text: str) -> str:
    return text.lower() if text in COLLECTION.values() else text


def _needed(label: str, help_text: str = "") -> forms.CharField:
    attrs = {"autocomplete": "off", "spellcheck": "false"}
    return forms.CharField(
        label=label,
        required=False,
        max_length=LONGEST,
        help_text=help_text,
        widget=forms.TextInput(attrs=attrs),
    )


class BillingFields(forms.Form):
    """Provider, delivery method, and what each provider needs; `clean` makes a Billing of it, or None."""

    billing_provider = forms.ChoiceField(label="Provider", choices=list(PROVIDERS.items()))
    delivery_method = forms.ChoiceField(
        label="Delivery method", choices=list(METHODS.items()), required=False, initial=DELIVERY_METHODS[0]
    )
    delivery_method_id = forms.UUIDField(
        label="Id of the delivery method",
        required=False,
        help_text="Only where the account has several of this provider, such as two Stripe accounts.",
        error_messages={"invalid": "An id has the form 4422e46f-b374-4159-97e3-300208cdb2e2."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    stripe_customer_id = _needed("Stripe customer", "As Stripe has it, such as cus_R2tW81nQ.")
    stripe_collection_method = forms.ChoiceField(
        label="Collection", choices=list(COLLECTION.items()), required=False, initial="send_invoice"
    )
    aws_customer_id = _needed("AWS customer")
    aws_product_code = _needed("AWS product code")
    aws_region = _needed("AWS region", "Such as us-west-1.")
    aws_is_subscription_product = forms.BooleanField(
        label="It is a subscription product with usage-based pricing", required=False
    )
    azure_subscription_id = _needed("Azure subscription")
    gcp_entitlement_id = _needed("GCP entitlement")
    gcp_service_name = _needed("GCP service", "Such as my.service.endpoint.goog.")
    netsuite_customer_id = _needed("NetSuite customer")

    may_be_left_out = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = delivery_methods()
        if self.known:
            self.fields["delivery_method_id"] = _one_of(self.known)
        for of, names in NEEDED.items():
            for name in names:
                self.fields[name].needed_where = f"needed for {PROVIDERS[of]}"
        if self.may_be_left_out:
            self.fields["billing_provider"].required = False
            self.fields["billing_provider"].choices = [("", "No provider yet"), *PROVIDERS.items()]

    def clean(self) -> dict[str, Any]:
        entered = super().clean()
        provider = entered.get("billing_provider") or ""
        for of, names in OF_PROVIDER.items():
            for name in names:
                self._check(name, entered.get(name), of, provider)
        method, of_account = entered.get("delivery_method"), entered.get("delivery_method_id")
        if method == "tackle" and not of_account and provider != "aws_marketplace":
            self.add_error("delivery_method", "Tackle is for AWS Marketplace alone.")
        if provider and (problem := self._unclear(provider, method, str(of_account or ""))):
            self.add_error("delivery_method_id", problem)
        entered["billing"] = None
        if provider and not self.errors.keys() & BillingFields.base_fields.keys():
            configuration = {name: entered[name] for name in OF_PROVIDER[provider] if entered[name]}
            entered["billing"] = Billing(
                provider,
                configuration,
                "" if of_account else method or DELIVERY_METHODS[0],
                str(of_account or ""),
            )
        return entered

    def _unclear(self, provider: str, method: str | None, chosen: str) -> str:
        """Why the delivery method can't be told, as far as the account's are mirrored; empty where it can."""
        if chosen:
            owners = {row.billing_provider for row in self.known if str(row.pk) == chosen} - {provider}
            return "".join(
                f"This one is for {PROVIDERS.get(of, of)}, and {PROVIDERS[provider]} is chosen."
                for of in owners
            )
        alike = [row for row in self.known if _sort(row) == (provider, method or DELIVERY_METHODS[0])]
        if len(alike) < 2:
            return ""
        return f"The account has {len(alike)} of this sort for {PROVIDERS[provider]}: say which one."

    def _check(self, name: str, value: Any, of: str, provider: str) -> None:
        """Add what is wrong with one provider's value: it is missing, or belongs to another provider."""
        is_choice = isinstance(self.fields[name], forms.ChoiceField)
        if of == provider:
            if not value and name in NEEDED[of] and name not in self.errors:
                self.add_error(name, f"{PROVIDERS[of]} needs it.")
        elif value and not is_choice:
            other = PROVIDERS.get(provider, "no provider")
            self.add_error(name, f"This is for {PROVIDERS[of]}, and {other} is chosen: clear it.")
        if isinstance(value, str) and value and name not in self.errors:
            try:
                check_text(value, f"{self.fields[name].label}")
            except TextRefused as refusal:
                self.add_error(name, str(refusal))
