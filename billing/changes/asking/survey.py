"""What a worker reads about a customer before some things may even be proposed, such as archiving it.

The form can't be sent until the answer is there, and the answer is only good for a while.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from billing.changes.alone import alone
from billing.changes.models import Survey
from billing.changes.moves import database_now
from billing.changes.refusals import NotAllowed
from billing.lists.money import in_whole_units
from billing.metronome.account import Gateway
from billing.metronome.instants import date_of
from billing.metronome.objects.billing_configuration import billed_through, billing_configurations
from billing.metronome.objects.contract import ContractRecord, contracts_of
from billing.metronome.objects.contract import in_short as contract_in_short
from billing.metronome.objects.customer import read_customer
from billing.metronome.objects.invoice import InvoiceRecord, invoices
from billing.metronome.objects.invoice import in_short as invoice_in_short
from billing.metronome.objects.plan import in_short as plan_in_short
from billing.metronome.objects.subscription import customer_plans
from billing.metronome.outcomes import GatewayError, ReadFailed
from billing.metronome.rows import MISREAD, why
from billing.mirror.connection import ensure_account
from billing.roles import Can
from billing.users import User

KNOWN_STATUSES = ("FINALIZED", "DRAFT")
"""What Metronome is known to call an invoice that is not void, in capitals."""
GOOD_FOR = timedelta(minutes=15)
JUST_NOW, LOST_AFTER = timedelta(seconds=1), timedelta(seconds=60)
MOST_WAITING = 5
"""Surveys that one person may wait for at a time: opening a form asks for one."""


def ask(customer_id: UUID | str, *, asked_by: User) -> Survey | None:
    """Ask for a survey, or return the recent one of this customer, whoever asked for it.

    None when this person already waits for MOST_WAITING others. The caller nudges the worker where
    `needs_nudge` says so.
    """
    if not asked_by.may(Can.PROPOSE):
        raise NotAllowed("Your role may not propose changes.")
    with transaction.atomic():
        with connection.cursor() as cursor:  # two forms opened at once ask once
            for name in (f"survey of {customer_id}", f"surveys for person {asked_by.pk}"):
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if (found := latest(customer_id)) is not None:
            return found
        waiting = Survey.objects.filter(
            asked_by=asked_by, answered_at__isnull=True, asked_at__gt=database_now() - GOOD_FOR
        )
        if waiting.count() >= MOST_WAITING:
            return None
        return Survey.objects.create(customer_id=customer_id, asked_by=asked_by)


def latest(customer_id: UUID | str) -> Survey | None:
    """The newest survey of this customer, unless it is too old or ended in an error."""
    return (
        Survey.objects.filter(customer_id=customer_id, asked_at__gt=database_now() - GOOD_FOR, error="")
        .order_by("-asked_at")
        .first()
    )


def needs_nudge(survey: Survey) -> bool:
    """Whether a worker should be woken: it was asked for just now, or so long ago that the call was lost."""
    age = database_now() - survey.asked_at
    return survey.answered_at is None and (age < JUST_NOW or age > LOST_AFTER)


def is_usable(survey: Survey) -> bool:
    """Whether this survey may still stand behind a proposal."""
    return (
        survey.content is not None
        and survey.answered_at is not None
        and survey.answered_at > database_now() - GOOD_FOR
    )


def answer(survey_uuid: UUID | str, gateway: Gateway) -> None:
    """Read the customer, its contracts, plans and invoices, and file them, or the error as a sentence."""
    with alone(f"survey {survey_uuid}") as is_ours:
        survey = Survey.objects.filter(uuid=survey_uuid, answered_at__isnull=True).first()
        if survey is not None and is_ours:
            _answer(survey, gateway)


def _answer(survey: Survey, gateway: Gateway) -> None:
    content, error = None, ""
    try:
        ensure_account(gateway)
        content = read_survey(gateway, str(survey.customer_id))
        if content is None:
            error = "Metronome knows no customer with this id."
    except GatewayError as failure:
        error = f"Metronome could not be read: {failure.message}"
    Survey.objects.filter(pk=survey.pk, answered_at__isnull=True).update(
        content=content, error=error, answered_at=database_now()
    )


def read_survey(gateway: Gateway, customer_id: str) -> dict[str, Any] | None:
    """The survey's content: JSON without floats; None for an unknown customer. Raises GatewayError."""
    customer = read_customer(gateway, customer_id)
    if customer is None:
        return None
    now = database_now()
    contracts = [contract for contract in gateway.every(contracts_of(customer_id)) if contract.is_open(now)]
    plans = [plan for plan in gateway.every(customer_plans(customer_id)) if plan.is_open(now)]
    valid = [invoice for invoice in gateway.every(invoices(customer_id)) if invoice.status.upper() != "VOID"]
    in_short = [
        contract_in_short(contract) | {"billed_through": _segments(contract, now)} for contract in contracts
    ]
    return {
        "customer": customer.as_snapshot(),
        "contracts": in_short,
        "billed": sorted({segment["id"] for each in in_short for segment in each["billed_through"]}),
        "billing": {each.id: each.words for each in gateway.every(billing_configurations(customer_id))},
        "plans": [plan_in_short(plan) for plan in plans],
        "invoices": [invoice_in_short(invoice) | as_money(invoice) for invoice in valid],
        "finalized_totals": totals([each for each in valid if each.is_finalized]),
        "draft_totals": totals([each for each in valid if each.is_draft]),
        "other_totals": totals([each for each in valid if each.status.upper() not in KNOWN_STATUSES]),
    }


def _segments(contract: ContractRecord, now: datetime) -> list[dict[str, Any]]:
    """Through which configurations a contract is billed, now (`since` None) or from a day on."""
    try:
        segments = [segment for segment in billed_through(contract) if not segment.is_over(now)]
    except MISREAD as problem:
        raise ReadFailed(
            f"How the contract {contract.id} is billed can’t be read: {why(problem)}."
        ) from problem
    return [
        {"id": segment.configuration_id, "since": date_of(segment.since) if segment.since > now else None}
        for segment in segments
    ]


def as_money(invoice: InvoiceRecord) -> dict[str, str]:
    """`{currency, amount}`: USD comes in cents, every other currency and pricing unit in whole units."""
    return money(invoice.total, invoice.currency)


def money(total: Decimal, unit: str) -> dict[str, str]:
    """`{currency, amount}`: whole units as plain decimal text, to the last digit that Metronome gave."""
    amount, currency = in_whole_units(total, unit)
    return {"currency": currency, "amount": format(amount, "f")}


def totals(invoices: list[InvoiceRecord]) -> list[dict[str, str]]:
    """One sum per currency, never across."""
    sums: dict[str, Decimal] = {}
    for invoice in invoices:
        sums[invoice.currency] = sums.get(invoice.currency, Decimal(0)) + invoice.total
    return [money(total, unit) for unit, total in sorted(sums.items())]
