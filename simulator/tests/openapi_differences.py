"""Where the official SDK, the vendor's OpenAPI documents and what was observed differ, and the choice made.

The SDK's types decide what a request may say and what an answer holds: people call through them. Besides what
the names below hold:

- The documents list few refusals. Every route here may refuse with one of REFUSALS and `{message}`; a route
  whose 400 or 404 is documented with a `code` gives the code where it means just that, and none for a
  malformed request.
- The documents mark bodies as required; a body that is missing is read as `{}`, as the SDK may leave it out.
- Names from a closed list are taken in any casing, since the SDK and the documents differ in it.
- Numbers beyond 1e15 and times before 1970 are refused, though the documents set no bounds.
- A document says `object` of a PDF; what comes is `application/pdf` and a file.
"""

from __future__ import annotations

REFUSALS = {400, 404, 409}

MORE_REFUSALS = {
    # Observed for an unknown customer, and documented with the same words.
    "POST /v1/setCustomerBillingProviderConfigurations": {500},
    # Observed for a package that is archived already.
    "POST /v1/packages/archive": {422},
    # Only an agentic token asks for approval, and the one that asks there is none.
    "POST /v1/approval_requests/submit": {403},
}

OPEN_ANSWERS = {
    "POST /v1/contracts/list": "the SDK sends `limit` and `cursor`: the answer has a `cursor` to go on with",
    "POST /v2/contracts/list": "the same",
}

MORE_MEMBERS = {  # the SDK's types have these
    "AppliedCommitOrCredit": {"access_type"},
    "Commit": {"cost_basis"},
    "CommitV2": {"cost_basis"},
    "Credit": {"created_at"},
    "ScheduleDuration": {"access_type"},
    "Subscription": {"created_at"},
    "SubscriptionV2": {"created_at"},
}

UNREACHED = {
    "POST /v1/approval_requests/submit": "takes an agentic token; its own test has one",
    "POST /v1/contracts/commits/threshold-billing/release": "no payment waits there; its own test has one",
    "POST /v1/customers/{}/addCharge": "no route makes the charge of a plan; its own test puts one in place",
}

ONLY_IN_THE_SDK = {
    "POST /v1/credit-types/create": "served as the SDK's types say",
    "POST /v1/credit-types/archive": "served as the SDK's types say",
}

NOT_SERVED = {  # documented, but no method of the SDK calls it; by why not
    "open to named tenants only": {
        "POST /v1/composite/createCustomerWithContract",
        "POST /v1/credits/migrateToContracts",
        "POST /v1/customers/setBillableStatus",
        "POST /v1/integrations/log",
    },
    "behind the feature flag of prepaid credits": {
        "DELETE /v1/client/billing-config/stripe",
        "GET /v1/credits/{}/rechargeSettings",
        "POST /v1/client/billing-config/stripe",
        "POST /v1/client/billing-config/{}/apiKey",
        "POST /v1/client/config/webhook_secret",
        "POST /v1/credits/createPrepaidGrant",
        "POST /v1/credits/{}/rechargeSettings",
        "POST /v1/credits/{}/rechargeSettings/{}",
        "POST /v1/threshold-billing/update-active-recharge-config",
    },
    "behind the feature flag of seats": {
        "GET /v1/customers/{}/purchasedSeats",
        "POST /v1/customers/{}/invoices/invoice_seats",
        "POST /v1/usage/seats",
    },
    "behind the feature flag of spend breakdowns": {
        "POST /v1/customers/{}/invoices/spend-breakdowns",
    },
    "behind the feature flag of the delta stream": {
        "POST /v1/rotateDeltaStreamSecret",
    },
    "not enabled for this account": {
        "POST /v1/archiveCustomerRevenueSystemConfigurations",
        "POST /v1/getCustomerRevenueSystemConfigurations",
        "POST /v1/setCustomerRevenueSystemConfigurations",
    },
    "an older form; `/create` is served": {
        "POST /v1/billable-metrics",
    },
}
