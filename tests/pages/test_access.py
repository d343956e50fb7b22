"""Who may open what: a row for every address, a column for every role. A new address without a row fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing.audit.actors import person
from billing.audit.models import AuditEvent
from billing.mirror.resources.contract.resource import Contract
from billing.mirror.resources.package import Package
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.product import Product
from billing.mirror.resources.rate_card import RateCard
from billing.people import tokens
from billing.users import User
from tests.pages.conftest import add_customer, add_people, now, open_house, propose_rename, signed_in

PLAN = UUID(int=1)
SENT = {"reason": "To see who may."}
PEOPLE = ("anonymous", "finance", "manager", "auditor", "administrator")
EVERYBODY = (200, 200, 200, 200, 200)
CLOSED = (404, 404, 404, 404, 404)
EVERYBODY_INSIDE = (302, 200, 200, 200, 200)
A_FILE = (401, 200, 200, 200, 200)
"""A script is told that it may not, where a browser is led to sign in (see test_tokens)."""

# address: (method, what anonymous, finance, manager, auditor and administrator get)
# For a person 302 leads on; 409 and 422 let them in and refused what they sent.
TABLE: dict[str, tuple[str, tuple[int, int, int, int, int]]] = {
    "healthz": ("get", (200, 200, 200, 200, 200)),
    "readyz": ("get", (200, 200, 200, 200, 200)),
    "account_login": ("get", (200, 302, 302, 302, 302)),
    "account_logout": ("get", (302, 200, 200, 200, 200)),
    "account_inactive": ("get", (200, 200, 200, 200, 200)),
    "account_reauthenticate": ("get", (302, 200, 200, 200, 200)),
    "account_change_password": ("get", EVERYBODY_INSIDE),
    "account_closed": ("get", CLOSED),
    "account_signup": ("get", CLOSED),
    "account_email": ("get", CLOSED),
    "account_email_verification_sent": ("get", CLOSED),
    "account_confirm_email": ("get", CLOSED),
    "account_set_password": ("get", CLOSED),
    "account_reset_password": ("get", EVERYBODY),
    "account_reset_password_done": ("get", EVERYBODY),
    "account_reset_password_from_key": ("get", EVERYBODY),
    "account_reset_password_from_key_done": ("get", EVERYBODY),
    "account_confirm_login_code": ("get", CLOSED),
    "account_factors": ("get", (302, 302, 302, 302, 302)),
    "account_passkeys": ("get", (302, 302, 302, 302, 302)),
    "account_passkey_remove": ("get", (302, 404, 404, 404, 404)),
    "mfa_index": ("get", (302, 302, 302, 302, 302)),
    "mfa_list_webauthn": ("get", (302, 302, 302, 302, 302)),
    "mfa_authenticate": ("get", (302, 302, 302, 302, 302)),
    "mfa_reauthenticate": ("get", (302, 302, 302, 302, 302)),
    "mfa_reauthenticate_webauthn": ("get", (302, 302, 302, 302, 302)),
    "mfa_activate_totp": ("get", EVERYBODY_INSIDE),
    "mfa_deactivate_totp": ("get", (302, 404, 404, 404, 404)),
    "mfa_view_recovery_codes": ("get", (302, 404, 404, 404, 404)),
    "mfa_generate_recovery_codes": ("get", EVERYBODY_INSIDE),
    "mfa_download_recovery_codes": ("get", (302, 404, 404, 404, 404)),
    "mfa_add_webauthn": ("get", EVERYBODY_INSIDE),
    "mfa_remove_webauthn": ("get", (302, 404, 404, 404, 404)),
    "mfa_edit_webauthn": ("get", (302, 404, 404, 404, 404)),
    "mfa_login_webauthn": ("get", (302, 302, 302, 302, 302)),
    "billing:account": ("get", EVERYBODY_INSIDE),
    "billing:account-sessions": ("post", (302, 302, 302, 302, 302)),
    "billing:factor-demanded": ("get", (302, 302, 302, 302, 302)),
    "billing:overview": ("get", EVERYBODY_INSIDE),
    "billing:search": ("get", (302, 302, 302, 302, 302)),
    "billing:notices": ("get", EVERYBODY_INSIDE),
    "billing:notices-read": ("post", (302, 302, 302, 302, 302)),
    "billing:tokens": ("get", EVERYBODY_INSIDE),
    "billing:tokens-revoke": ("post", (302, 404, 404, 404, 404)),
    "billing:theme": ("post", (302, 302, 302, 302, 302)),
    "billing:keys": ("post", (302, 302, 302, 302, 302)),
    "billing:changes": ("get", EVERYBODY_INSIDE),
    "billing:changes-decide": ("post", (302, 403, 422, 403, 403)),
    "billing:changes-moved": ("get", (302, 400, 400, 400, 400)),
    "billing:changes-csv": ("get", A_FILE),
    "billing:change": ("get", EVERYBODY_INSIDE),
    "billing:change-meant": ("get", (302, 302, 302, 302, 302)),
    "billing:change-live": ("get", EVERYBODY_INSIDE),
    "billing:change-check": ("post", (302, 302, 302, 403, 302)),
    "billing:change-decide": ("post", (302, 403, 422, 403, 403)),
    "billing:change-take-back": ("post", (302, 403, 409, 403, 403)),
    "billing:change-withdraw": ("post", (302, 302, 403, 403, 403)),
    "billing:change-resolve": ("post", (302, 403, 403, 403, 422)),
    "billing:change-disagree": ("post", (302, 403, 409, 403, 409)),
    "billing:change-second": ("post", (302, 403, 409, 403, 409)),
    "billing:propose": ("get", (302, 200, 200, 403, 403)),
    "billing:propose-hints": ("post", (302, 200, 200, 403, 403)),
    "billing:survey": ("get", (302, 404, 404, 403, 403)),
    "billing:customers": ("get", EVERYBODY_INSIDE),
    "billing:customers-csv": ("get", A_FILE),
    "billing:customer": ("get", EVERYBODY_INSIDE),
    "billing:customer-refresh": ("post", (302, 302, 302, 403, 302)),
    "billing:plans": ("get", EVERYBODY_INSIDE),
    "billing:plans-csv": ("get", A_FILE),
    "billing:plan": ("get", EVERYBODY_INSIDE),
    "billing:contracts": ("get", EVERYBODY_INSIDE),
    "billing:contracts-csv": ("get", A_FILE),
    "billing:contract": ("get", EVERYBODY_INSIDE),
    "billing:rate-cards": ("get", EVERYBODY_INSIDE),
    "billing:rate-cards-csv": ("get", A_FILE),
    "billing:rate_card": ("get", EVERYBODY_INSIDE),
    "billing:products": ("get", EVERYBODY_INSIDE),
    "billing:products-csv": ("get", A_FILE),
    "billing:product": ("get", EVERYBODY_INSIDE),
    "billing:packages": ("get", EVERYBODY_INSIDE),
    "billing:packages-csv": ("get", A_FILE),
    "billing:package": ("get", EVERYBODY_INSIDE),
    "billing:people": ("get", (302, 403, 403, 200, 200)),
    "billing:people-csv": ("get", (401, 403, 403, 200, 200)),
    "billing:person": ("get", (302, 403, 403, 200, 200)),
    "billing:person-ask": ("post", (302, 403, 403, 403, 422)),
    "billing:person-end-access": ("post", (302, 403, 403, 403, 302)),
    "billing:person-reset-link": ("post", (302, 403, 403, 403, 201)),
    "billing:audit": ("get", (302, 403, 200, 200, 200)),
    "billing:audit-csv": ("get", (401, 403, 200, 200, 200)),
    "billing:system": ("get", EVERYBODY_INSIDE),
    "billing:system-refresh": ("post", (302, 302, 302, 403, 302)),
    "billing:system-anew": ("get", (302, 403, 200, 403, 200)),
    "billing:system-freeze": ("get", (302, 403, 403, 403, 200)),
    "billing:system-unfreeze": ("get", (302, 403, 403, 403, 200)),
}


def addresses(patterns: list[Any], space: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the project by its full name."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else space
            yield from addresses(pattern.url_patterns, inner)
        else:
            yield f"{space}{pattern.name}", pattern


def test_every_address_has_a_row() -> None:
    assert {name for name, _pattern in addresses(get_resolver().url_patterns)} == set(TABLE)


def test_every_page_of_ours_states_its_rule() -> None:
    without = [
        name
        for name, pattern in addresses(get_resolver().url_patterns)
        if name.startswith("billing:") and not getattr(pattern.callback, "access_rule", None)
    ]
    assert without == []


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """People, a customer on a plan and a request, committed once; each test's own doings are rolled back."""
    with django_db_blocker.unblock():
        open_house()
        people = add_people()
        plan = Plan.objects.create(id=PLAN, name="Scale 2026", fetched_at=now())
        customer = add_customer("Halcyon Freight GmbH", plan=plan)
        for model in (RateCard, Product, Package):
            model.objects.create(id=PLAN, name="Scale 2026", fetched_at=now())
        Contract.objects.create(id=PLAN, customer=customer, starting_at=now(), fetched_at=now())
        change = propose_rename(customer, people["finance"], "Halcyon Logistics GmbH")
    yield {"people": people, "customer": str(customer.pk), "reference": change.reference}
    with django_db_blocker.unblock():
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)


@pytest.mark.django_db
@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("name", TABLE)
def test_the_role_table(name: str, who: str, world: dict[str, Any]) -> None:
    method, statuses = TABLE[name]
    client = signed_in(world["people"].get(who))

    answer = getattr(client, method)(address_of(name, world), SENT)
    answer.close()

    assert answer.status_code == statuses[PEOPLE.index(who)]
    if who == "anonymous" and answer.status_code == 302 and name != "billing:theme":
        assert answer["Location"].startswith("/accounts/login/")


def address_of(name: str, world: dict[str, Any]) -> str:
    """An address with a real thing behind it."""
    match name:
        case "account_closed":
            return "/accounts/signup"
        case "account_confirm_email":
            return reverse(name, args=["key"])
        case "account_reset_password_from_key":
            return reverse(name, args=["1", "key"])
        case "billing:customer" | "billing:customer-refresh":
            return reverse(name, args=[world["customer"]])
        case "billing:plan" | "billing:contract":
            return reverse(name, args=[PLAN])
        case "billing:rate_card" | "billing:product" | "billing:package":
            return reverse(name, args=[PLAN])
        case "account_passkey_remove" | "mfa_remove_webauthn" | "mfa_edit_webauthn":
            return reverse(name, args=[1])
        case "billing:survey":
            return reverse(name, args=[UUID(int=7)])
        case "billing:change-meant":
            return reverse(name, args=[world["reference"].lower()])
        case "billing:propose" | "billing:propose-hints":
            return reverse(name, args=["customer.create"])
    if name.startswith("billing:person"):
        return reverse(name, args=[world["people"]["finance"].pk])
    if name.startswith("billing:change") and not name.startswith("billing:changes"):
        return reverse(name, args=[world["reference"]])
    return reverse(name)


@pytest.mark.django_db
@pytest.mark.parametrize("name", TABLE)
def test_an_access_token_opens_the_lists_it_names_and_no_other_address(
    name: str, world: dict[str, Any]
) -> None:
    owner = world["people"]["administrator"]
    _token, secret = tokens.make(owner, "Archive", ["customers", "audit"], 30, person(owner))
    opened = name in ("billing:customers-csv", "billing:audit-csv")

    answer = getattr(Client(), TABLE[name][0])(
        address_of(name, world), headers={"Authorization": f"Bearer {secret}"}
    )
    answer.close()

    assert answer.status_code == (200 if opened else 403)
    assert answer["Content-Type"].startswith("text/csv" if opened else "text/plain")


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name, (_method, row) in TABLE.items() if row[0] == 302])
def test_a_deactivated_account_opens_nothing(name: str, world: dict[str, Any]) -> None:
    client = signed_in(world["people"]["administrator"])
    User.objects.filter(username="administrator").update(is_active=False)
    recorded = AuditEvent.objects.count()

    answer = getattr(client, TABLE[name][0])(address_of(name, world))

    if name != "billing:theme":
        assert answer["Location"].startswith("/accounts/login/")
    assert AuditEvent.objects.count() == recorded


@pytest.mark.django_db
def test_the_403_page_names_the_roles_and_who_can_grant_them(world: dict[str, Any]) -> None:
    page = signed_in(world["people"]["finance"]).get("/audit/").content.decode()

    assert "The role finance may not read the audit record" in page
    assert "This needs the role manager, auditor or administrator." in page
    assert "<bdi>Nadia Petrov</bdi>" in page


def test_under_htmx_an_ended_session_answers_401_with_a_way_to_sign_in(client: Client) -> None:
    answer = client.get(
        "/customers/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/customers/?q=hal"},
    )

    assert answer.status_code == 401
    assert answer["HX-Retarget"] == "#toasts"
    assert 'href="/accounts/login/?next=/customers/%3Fq%3Dhal"' in answer.content.decode()
