"""The part of a form that says through which provider a customer is billed: the vendor's documented names.

The account's own delivery methods are not mirrored, so an id of one is typed where a provider has several.
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
    """A marketplace of Amazon's that nothing says how to reach: an account has to be set up for it."""
    if billing.provider != "aws_marketplace" or billing.delivery_method != DELIVERY_METHODS[0]:
        return []
    return [
        Caution(
            "warn",
            "AWS Marketplace, delivered directly.",
            "Only where the account is set up so; others deliver by SQS, SNS or Tackle. Which methods the "
            "account has is not read here: Metronome refuses one that it has not.",
        )
    ]


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
