"""What a billing provider says of an invoice; whether it is paid is a switch, `payments`."""

from __future__ import annotations

from simulator.world import Row, World

STATUSES = {"pay": "PAID", "fail": "PAYMENT_FAILED", "wait": "SENT", "error": "INVALID_REQUEST_ERROR"}
DECLINED = "Your card was declined."
UNREACHED = "The API key of the integration was refused."
ERROR_CODE = "authentication_error"


ERRORS = {"fail": DECLINED, "error": UNREACHED}


def external_invoice(world: World, contract: Row | None, invoice: Row) -> Row | None:
    """A final invoice at the provider that its contract is billed through; None without one.

    Stripe collects what is more than nothing; other providers have it waiting.
    """
    provider = ((contract or {}).get("customer_billing_provider_configuration") or {}).get("billing_provider")
    if provider is None or invoice.get("billable_status") == "unbillable":
        return None
    told: Row = {"billing_provider_type": provider, "issued_at_timestamp": invoice["issued_at"]}
    if invoice["total"] <= 0:
        return told | {"external_status": "SKIPPED"}
    told["invoice_id"] = f"in_{invoice['id'].replace('-', '')[:24]}"
    if provider != "stripe":
        return told | {"external_status": "QUEUED"}
    answer = world.switches["payments"]
    if answer in ERRORS:
        told["billing_provider_error"] = ERRORS[answer]
    sums = {"invoiced_sub_total": invoice["subtotal"], "invoiced_total": invoice["total"]}
    return told | sums | {"external_status": STATUSES[answer]}
