"""`billing.set`: POST /v1/setCustomerBillingProviderConfigurations. Adds one; each call adds another.

No uniqueness key, and several per provider are legal, so what is new in the customer's list tells. Which row
Metronome's log has of it is not documented: it is looked for under the customer. An unknown customer is
answered with 500. The keys are those of the vendor's examples; other providers' are not documented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.objects.billing_configuration import (
    BillingConfigurationRecord,
    billing_configurations,
    configuration_words,
)
from billing.metronome.operations.base import (
    FindFacts,
    Finding,
    Id,
    Operation,
    States,
    claimed,
    id_text,
    thing,
    with_new,
)
from billing.metronome.operations.proof import named_one, one_of_the_new, reread
from billing.metronome.outcomes import OutcomeUnknown

if TYPE_CHECKING:
    from billing.metronome.account import Gateway

NOUN = "billing configuration"
NEEDED: dict[str, tuple[str, ...]] = {
    "stripe": ("stripe_customer_id", "stripe_collection_method"),
    "aws_marketplace": ("aws_customer_id", "aws_product_code", "aws_region"),
    "azure_marketplace": ("azure_subscription_id",),
    "gcp_marketplace": ("gcp_entitlement_id", "gcp_service_name"),
    "netsuite": ("netsuite_customer_id",),
}
"""Provider → what it can't do without."""
ALSO: dict[str, tuple[str, ...]] = {"aws_marketplace": ("aws_is_subscription_product",)}
"""Provider → what it may be given."""
DELIVERY_METHODS = ("direct_to_billing_provider", "aws_sqs", "tackle", "aws_sns")


@dataclass(frozen=True, slots=True)
class NewConfiguration:
    """Whom, through which provider, with what it needs; delivered by a method, or by the id of one.

    Either `delivery_method` or `delivery_method_id` is empty.
    """

    customer_id: Id
    billing_provider: str
    configuration: dict[str, Any]
    delivery_method: str
    delivery_method_id: str


class SetConfiguration(Operation[NewConfiguration]):
    """Result: `{id}`, the configuration's."""

    name: ClassVar[str] = "billing.set"
    params = NewConfiguration
    makes: ClassVar[str] = "billing_configuration"

    def show(self, params: NewConfiguration) -> HttpCall:
        provider, configuration = params.billing_provider, params.configuration
        if provider not in NEEDED:
            raise ValueError(f"Nothing is known of what {provider} needs.")
        if missing := [name for name in NEEDED[provider] if not configuration.get(name)]:
            raise ValueError(f"{provider} needs {', '.join(missing)}.")
        if unknown := set(configuration) - {*NEEDED[provider], *ALSO.get(provider, ())}:
            raise ValueError(f"{provider} knows no {', '.join(sorted(unknown))}.")
        row: dict[str, Any] = {
            "customer_id": id_text(params.customer_id),
            "billing_provider": provider,
            "configuration": configuration,
        }
        if bool(params.delivery_method) == bool(params.delivery_method_id):
            raise ValueError("Say the delivery method, or the id of one.")
        if params.delivery_method_id:
            row["delivery_method_id"] = id_text(params.delivery_method_id)
        elif params.delivery_method in DELIVERY_METHODS:
            row["delivery_method"] = params.delivery_method
        else:
            raise ValueError(f"There is no delivery method {params.delivery_method}.")
        return HttpCall("POST", "/v1/setCustomerBillingProviderConfigurations", {"data": [row]})

    def after(self, before: States, params: NewConfiguration) -> States:
        whose = thing("customer", params.customer_id)
        words = configuration_words(
            params.billing_provider, params.delivery_method, params.delivery_method_id, params.configuration
        )
        rows = before.get(whose, {}).get("billing_rows", {})
        return claimed(before, whose, billing_rows=with_new(rows, words))

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        (asked,) = call.body["data"]
        try:
            (made,) = answer.rows
            made_id = str(UUID(made["id"]))
        except (KeyError, ValueError, TypeError, AttributeError) as problem:
            raise OutcomeUnknown(
                "Metronome’s answer does not show the new configuration.", answer.evidence
            ) from problem
        rows = reread(lambda: gateway.every(billing_configurations(asked["customer_id"])), answer)
        if not any(row.id == made_id and not row.is_archived and _is_as_asked(row, asked) for row in rows):
            raise OutcomeUnknown(
                "Metronome confirmed, but the customer’s list does not show the configuration as asked for.",
                answer.evidence,
            )
        return {"id": made_id}

    def find(self, gateway: Gateway, facts: FindFacts[NewConfiguration]) -> Finding:
        rows, looked = _rows(gateway, facts)
        asked, known = _asked(facts), _known(facts)
        ours = [row for row in rows if row.id not in known and _is_as_asked(row, asked)]
        return one_of_the_new(
            gateway,
            facts,
            looked,
            noun=NOUN,
            equal=[row.id for row in ours if not row.is_archived],
            near=[row.id for row in ours],
        )

    def bears_out(self, gateway: Gateway, facts: FindFacts[NewConfiguration], made_id: str) -> Finding:
        rows, looked = _rows(gateway, facts)
        named = [row for row in rows if row.id == made_id]
        is_other = bool(named) and (named[0].is_archived or not _is_as_asked(named[0], _asked(facts)))
        return named_one(
            NOUN,
            {"id": made_id},
            looked,
            was_there=made_id in _known(facts),
            is_there=bool(named),
            differs=f"reads “{named[0].words}”" if is_other else "",
        )

    def how_found(self) -> str:
        return "find our reference in Metronome’s own log, and the new one among the billing configurations"


def _asked(facts: FindFacts[NewConfiguration]) -> dict[str, Any]:
    return SetConfiguration().show(facts.params).body["data"][0]


def _is_as_asked(row: BillingConfigurationRecord, asked: dict[str, Any]) -> bool:
    """Whether it has all that was asked for; Metronome may have added what it takes for granted."""
    wanted = asked["configuration"]
    method = row.delivery_method_id if "delivery_method_id" in asked else row.delivery_method
    return (
        row.billing_provider == asked["billing_provider"]
        and method == asked.get("delivery_method_id", asked.get("delivery_method"))
        and all(row.configuration.get(name) == value for name, value in wanted.items())
    )


def _known(facts: FindFacts[NewConfiguration]) -> dict[str, str]:
    """The configurations that it had before; a customer that the same request makes has none."""
    return facts.before.get(thing("customer", facts.params.customer_id), {}).get("billing_rows", {})


def _rows(
    gateway: Gateway, facts: FindFacts[NewConfiguration]
) -> tuple[tuple[BillingConfigurationRecord, ...], list[dict[str, Any]]]:
    """The customer's configurations, archived ones too, and what was read of them as evidence."""
    rows = gateway.every(billing_configurations(id_text(facts.params.customer_id)))
    saw = {row.id: row.words for row in rows}
    return rows, [{"read": "the customer’s billing configurations, archived ones too", "saw": saw}]
