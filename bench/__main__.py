"""Measure the customers page, its search and its CSV over 20,000 rows, each beside raw SQL or a bare COPY.

Then the simulator, beside a bare answer of its own.
Only the ratios travel: the machine is shared and noisy, so nothing here passes or fails by time.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import get_runner, setup_test_environment  # noqa: E402

from bench import simulator  # noqa: E402

CUSTOMERS = 20_000
ROUNDS = 15
FILL = """
INSERT INTO billing_customer (id, name, external_id, custom_fields, created_at, fetched_at)
SELECT gen_random_uuid(), 'Customer ' || md5(n::text) || ' Ltd', 'alias-' || n, '{}', now(), now()
  FROM generate_series(1, %s) n;
INSERT INTO billing_ingestalias (customer_id, alias, fetched_at)
SELECT id, external_id, now() FROM billing_customer;
ANALYZE;
"""


def median_ms(work: Callable[[], object]) -> float:
    """The median of several rounds, the first one left out."""
    work()
    times = []
    for _round in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def run_sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.fetchall()


def bare_copy() -> None:
    with connection.cursor() as cursor, cursor.copy("COPY billing_customer TO STDOUT (FORMAT csv)") as out:
        for _block in out:
            pass


def main() -> None:
    """Fill a test database, sign somebody in, and print a table."""
    from billing.control.anchor import anchor
    from billing.users import User

    setup_test_environment()
    runner = get_runner(django.conf.settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        anchor("simulator", "http://127.0.0.1:1")
        with connection.cursor() as cursor:
            cursor.execute(FILL.replace("%s", str(CUSTOMERS)))
        browser = Client()
        browser.force_login(
            User.objects.create_user(username="bench", password=None, name="Bench", role="auditor")
        )
        page = "SELECT * FROM billing_customer WHERE archived_at IS NULL ORDER BY sort_name, id LIMIT 51"
        search = "SELECT * FROM billing_ingestalias WHERE alias LIKE 'alias-1999%' LIMIT 51"
        rows = [
            ("customers page", lambda: browser.get("/customers/").content, lambda: run_sql(page)),
            (
                "search by alias",
                lambda: browser.get("/customers/?q=alias-1999").content,
                lambda: run_sql(search),
            ),
            ("CSV of all", lambda: list(browser.get("/customers.csv").streaming_content), bare_copy),
        ]
        sys.stdout.write(f"{CUSTOMERS:,} customers, medians of {ROUNDS}\n")
        sys.stdout.write(f"{'':18}{'ours, ms':>10}{'limit, ms':>11}{'ratio':>8}\n")
        for name, ours, limit in rows:
            mine, floor = median_ms(ours), median_ms(limit)
            sys.stdout.write(f"{name:18}{mine:10.1f}{floor:11.1f}{mine / floor:8.1f}\n")
    finally:
        runner.teardown_databases(databases)


if __name__ == "__main__":
    main()
    simulator.main()
