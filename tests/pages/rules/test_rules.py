"""Every rule of the database, met through the pages: words before it, or the database's own words.

A trigger, CHECK or UNIQUE without a row in the table fails. NOT NULL columns and the keys that the database
numbers are left out: no form leads there. References are tried all at once.
"""

from __future__ import annotations

import html
import io
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from billing.audit import log
from tests.pages.conftest import signed_in
from tests.pages.rules.conftest import everything
from tests.pages.rules.rows import Command, Page, Rule, Sql, Untold
from tests.pages.rules.table import TABLE

THE_DATABASE = "The database refused this, so nothing of it is done"
WORDS = "the record does not tell of it."


def rows(kind: type[Rule]) -> list[Any]:
    return [pytest.param(rule, row, id=rule) for rule, row in TABLE.items() if isinstance(row, kind)]


def test_every_rule_has_a_row(world: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger WHERE NOT tgisinternal"
            " UNION SELECT conrelid::regclass || '.' || conname FROM pg_constraint"
            " WHERE contype IN ('c', 'u') AND conrelid::regclass::text LIKE 'billing\\_%'"
            " UNION SELECT indrelid::regclass || '.' || indexrelid::regclass FROM pg_index"
            " WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text LIKE 'billing\\_%'"
        )
        found = {name.removeprefix("billing_") for (name,) in cursor.fetchall()}
    assert found == set(TABLE)


@pytest.mark.parametrize(("rule", "row"), rows(Page))
def test_a_form_says_no_before_the_database_has_to(world: dict[str, Any], rule: str, row: Page) -> None:
    client = signed_in(world["people"][row.who])
    before = everything()

    answer = getattr(client, row.method)(fill(row.at, world), filled(row.sends, world))

    page = html.unescape(answer.content.decode())
    assert answer.status_code == row.status
    assert fill(row.says, world) in page
    assert THE_DATABASE not in page
    assert everything() == before


@pytest.mark.parametrize(("rule", "row"), rows(Untold))
def test_what_fires_as_the_transaction_ends_is_told_in_words(
    world: dict[str, Any], monkeypatch: pytest.MonkeyPatch, rule: str, row: Untold
) -> None:
    client = signed_in(world["people"][row.who])
    before = everything()
    monkeypatch.setattr(log, "record", lambda *args, **kwargs: None)

    answer = client.post(fill(row.at, world), filled(row.sends, world))

    page = html.unescape(answer.content.decode())
    assert (answer.status_code, THE_DATABASE in page) == (409, True)
    assert f"{row.verb} on billing_{rule.partition('.')[0]} refused: {WORDS}" in page
    assert everything() == before


@pytest.mark.parametrize(("rule", "row"), rows(Command))
def test_a_command_says_no(world: dict[str, Any], tmp_path: Path, rule: str, row: Command) -> None:
    path = tmp_path / "password"
    path.write_text("seven-quiet-otters\n", encoding="utf-8")
    options = [f"--{name}={value}" for name, value in row.options.items()]
    before = everything()

    with pytest.raises(CommandError) as refusal:
        call_command("add_person", *row.words, *options, f"--password-file={path}", stdout=io.StringIO())

    assert row.says in str(refusal.value)
    assert everything() == before


@pytest.mark.parametrize(("rule", "row"), rows(Sql))
def test_where_no_page_leads_the_database_refuses(world: dict[str, Any], rule: str, row: Sql) -> None:
    table, _, name = rule.partition(".")
    before = everything()

    with psycopg.connect(world["application" if row.as_ == "application" else "owner"]) as speaker:
        if row.as_ == "bare":
            speaker.execute(f"ALTER TABLE billing_{table} DISABLE TRIGGER USER")
        with pytest.raises(psycopg.errors.IntegrityError) as refusal:
            speaker.execute(f"{row.statement or copying(speaker, row)}; SET CONSTRAINTS ALL IMMEDIATE")
        speaker.rollback()

    said = refusal.value.diag
    assert row.why
    if row.as_ == "bare":
        assert (said.constraint_name, row.says) == (name, "")
    else:
        assert row.says
        assert row.says in said.message_primary
    assert everything() == before


def copying(speaker: psycopg.Connection, row: Sql) -> str:
    """The statement that inserts a row again, under a number of its own, with some columns set."""
    found = speaker.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name <> 'id'"
        " AND is_generated = 'NEVER'",
        [f"billing_{row.copies}"],
    ).fetchall()
    columns = [name for (name,) in found]
    values = [row.columns.get(name, name) for name in columns]
    return (
        f"INSERT INTO billing_{row.copies} ({', '.join(columns)})"  # noqa: S608 our own names
        f" SELECT {', '.join(values)} FROM billing_{row.copies} LIMIT 1"
    )


def test_no_row_refers_to_what_is_not_there(world: dict[str, Any]) -> None:
    """Pages take every reference from a row that they have just read, and rows are kept: see the 404s."""
    empty = {"customerplan", "freeze", "refreshrun", "user_groups", "user_user_permissions"}
    with psycopg.connect(world["owner"]) as speaker:
        found = speaker.execute(
            "SELECT c.conrelid::regclass::text, c.conname, a.attname, a.atttypid = 'uuid'::regtype"
            " FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
            " WHERE c.contype = 'f' AND c.conrelid::regclass::text LIKE 'billing\\_%'"
        ).fetchall()
        for table, name, column, is_uuid in found:
            if table.removeprefix("billing_") in empty:
                continue
            assert speaker.execute(f"SELECT FROM {table}").rowcount > 0, f"give the world a row of {table}"
            speaker.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            checks = speaker.execute(
                "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass", [table]
            ).fetchall()  # the reference stands alone, as each CHECK does in its own row
            others = {other for owned, other, *_ in found if owned == table} - {name}
            for other in others | {check for (check,) in checks}:
                speaker.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{other}"')
            value = "gen_random_uuid()" if is_uuid else "1000000000"
            with pytest.raises(psycopg.errors.ForeignKeyViolation) as refusal:
                speaker.execute(
                    f"UPDATE {table} SET {column} = {value} WHERE ctid = (SELECT min(ctid) FROM {table});"  # noqa: S608
                    " SET CONSTRAINTS ALL IMMEDIATE"
                )
            assert refusal.value.diag.constraint_name == name
            speaker.rollback()
    assert found


@pytest.mark.parametrize(
    "at", ["/changes/CR-999999/decide/", "/changes/CR-999999/withdraw/", "/changes/CR-999999/resolve/"]
)
def test_what_is_not_there_is_a_404(world: dict[str, Any], at: str) -> None:
    who = "administrator" if "resolve" in at else "manager"
    before_sign_in = signed_in(world["people"][who])
    before = everything()

    assert before_sign_in.post(at, {"verdict": "approve", "reason": "x"}).status_code == 404
    assert everything() == before


def fill(text: str, world: dict[str, Any]) -> str:
    """`{half}` becomes that request's reference; `{half.digest}` and `{half.customer}` are its own."""
    for name, change in world["requests"].items():
        text = text.replace(f"{{{name}}}", change.reference)
        text = text.replace(f"{{{name}.digest}}", change.digest)
        text = text.replace(f"{{{name}.customer}}", str(change.customer_id))
    return text


def filled(sends: dict[str, str], world: dict[str, Any]) -> dict[str, str]:
    return {name: fill(value, world) for name, value in sends.items()}
