"""What the database refuses of access tokens, to whoever is at it with the application's own role."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import CheckViolation, RestrictViolation, UniqueViolation

from billing.audit.actors import person
from billing.people import tokens
from billing.people.tokens import AccessToken
from billing.users import User

pytestmark = pytest.mark.django_db(transaction=True)
FORGED = (
    "INSERT INTO billing_accesstoken (id, owner_id, name, lists, digest, ending, expires_at)"
    " SELECT gen_random_uuid(), owner_id, 'forged', lists, repeat('a', 64), 'aaaa', now() + interval '1 day'"
    " FROM billing_accesstoken"
)


@pytest.fixture
def owner() -> User:
    return User.objects.create_user(username="amara", password=None, name="Amara Diallo", role="auditor")


@pytest.fixture
def token(owner: User) -> AccessToken:
    made, _secret = tokens.make(owner, "Archive", ["audit"], 30, person(owner))
    return made


@pytest.fixture
def application(token: AccessToken, application_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(application_url, autocommit=True) as opened:
        yield opened


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (FORGED, RestrictViolation),
        (FORGED.replace("repeat('a', 64)", "digest"), UniqueViolation),
        (FORGED.replace("repeat('a', 64)", "'short'"), CheckViolation),
        (FORGED.replace("1 day", "3 years"), CheckViolation),
        (
            FORGED.replace("lists, digest", "lists, revoked_at, digest").replace(
                "lists, repeat", "lists, now(), repeat"
            ),
            RestrictViolation,
        ),
        ("UPDATE billing_accesstoken SET lists = '{audit,customers}'", RestrictViolation),
        ("UPDATE billing_accesstoken SET expires_at = expires_at + interval '1 day'", RestrictViolation),
        ("UPDATE billing_accesstoken SET digest = repeat('b', 64)", RestrictViolation),
        ("UPDATE billing_accesstoken SET name = 'other'", RestrictViolation),
        ("UPDATE billing_accesstoken SET made_at = now()", RestrictViolation),
        ("UPDATE billing_accesstoken SET revoked_at = now()", CheckViolation),
        ("UPDATE billing_accesstoken SET revoked_at = now(), revoked_by_id = owner_id", RestrictViolation),
        ("DELETE FROM billing_accesstoken", RestrictViolation),
        ("TRUNCATE billing_accesstoken", psycopg.errors.InsufficientPrivilege),
    ],
)
def test_the_role_is_refused(
    application: psycopg.Connection, token: AccessToken, statement: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        application.execute(statement)

    assert list(AccessToken.objects.values_list("pk", "lists", "revoked_at", "digest")) == [
        (token.pk, ["audit"], None, token.digest)
    ]


def test_the_role_may_note_a_use_but_no_earlier_one(application: psycopg.Connection) -> None:
    application.execute("UPDATE billing_accesstoken SET last_used_at = now(), last_used_ip = '10.0.0.1'")

    with pytest.raises(RestrictViolation):
        application.execute("UPDATE billing_accesstoken SET last_used_at = now() - interval '1 day'")


def test_a_revoked_one_stays_revoked(
    application: psycopg.Connection, token: AccessToken, owner: User
) -> None:
    tokens.revoke(token.pk, owner, person(owner))

    for statement in ("SET revoked_at = NULL, revoked_by_id = NULL", "SET last_used_at = now()"):
        with pytest.raises(RestrictViolation):
            application.execute(f"UPDATE billing_accesstoken {statement}")


def test_nobody_has_more_than_so_many_in_use(owner: User, token: AccessToken) -> None:
    for number in range(tokens.MOST_LIVE - 1):
        tokens.make(owner, f"Script {number}", ["audit"], 1, person(owner))

    with pytest.raises(tokens.TokenRefused, match="Revoke one"):
        tokens.make(owner, "One more", ["audit"], 1, person(owner))
    tokens.revoke(token.pk, owner, person(owner))
    tokens.make(owner, "One more", ["audit"], 1, person(owner))


def test_what_is_kept_is_not_the_secret(owner: User) -> None:
    made, secret = tokens.make(owner, "Archive", ["audit"], 30, person(owner))

    kept = repr(AccessToken.objects.values().get(pk=made.pk))
    assert secret not in kept
    assert secret.removeprefix(tokens.PREFIX) not in kept
    assert tokens.admitted(secret, None).pk == made.pk
