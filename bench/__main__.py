"""Measure applying, the pages over a large account, the simulator. `SIZE=20000 make bench` is a quick look.

Only the ratios travel: the machine is shared and noisy, so nothing here passes or fails by time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
MOST_REFRESHED = 100_000
SIZE = int(os.environ.get("SIZE", "1000000").replace("_", "").replace(",", ""))

import django  # noqa: E402

django.setup()

from django.test.utils import get_runner, override_settings  # noqa: E402

from bench import applying, files, growing, pages, refresh, served, simulator  # noqa: E402 (growing takes minutes)


def main() -> None:
    """Grow a test database, or take the kept one, measure, and print a table."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave the database for the next run, on a server that DATABASE_URL names; SIZE must stay",
    )
    parser.add_argument(
        "--only", choices=("applying", "pages", "refresh", "simulator"), help="one of the parts"
    )
    wanted = parser.parse_args()
    if wanted.only in (None, "applying"):
        measure_applying()
    if wanted.only in (None, "pages"):
        measure_pages(wanted.keep)
    if wanted.only in (None, "refresh"):
        measure_refresh(min(SIZE, MOST_REFRESHED))
    if wanted.only in (None, "simulator"):
        simulator.main()


def measure_applying() -> None:
    runner = get_runner(django.conf.settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        say(f"load {os.getloadavg()[0]:.1f} before")
        speeds = applying.measure()
    finally:
        runner.teardown_databases(databases)
    say(f"load {os.getloadavg()[0]:.1f} after; {applying.LATENCY_SECONDS * 1000:.0f} ms an answer\n")
    names = f"{'a second':>10}{'limit':>8}{'ratio':>7}{'goal':>6}{'requests':>10}{'CPU ms':>8}"
    say(f"{'alias changes applied':24}{names}")
    for speed in speeds:
        ratio = speed.ours / speed.limit
        verdict = "" if ratio >= applying.GOAL else "  missed"
        figures = f"{speed.ours:10.1f}{speed.limit:8.1f}{ratio:7.2f}{applying.GOAL:6.1f}"
        by = f"{speed.processes} of {speed.threads} threads"
        say(f"{by:24}{figures}{speed.requests_a_change:10.1f}{speed.cpu_ms_a_change:8.1f}{verdict}")
    say("\nprocesses of so many threads; requests, and the workers' own processor time: of a change")
    say("limit: as many plain threads in one process that send the same requests and do nothing else\n")


def measure_refresh(size: int) -> None:
    runner = get_runner(django.conf.settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases(serialized_aliases=set())
    try:
        say(f"load {os.getloadavg()[0]:.1f} before; {size:,} customers from a stub")
        found = refresh.measure(size)
    finally:
        runner.teardown_databases(databases)
    say(f"load {os.getloadavg()[0]:.1f} after; medians of {refresh.ROUNDS} rounds\n")
    say(f"{'refresh':24}{'seconds':>10}{'limit':>8}{'ratio':>7}{'goal':>7}{'written':>10}")
    for name, ours, limit, goal in (
        ("first", "first", "tight", 0.85),
        ("nothing changed", "unchanged", "fetching", 0.6),
        (f"1 in {refresh.CHANGED_EVERY} changed", "changed", "fetching", None),
        (f"{refresh.DELAY_MS} ms a page", "slow", "slow fetching", 0.95),
    ):
        ratio = found.took(limit) / found.took(ours)
        verdict = "" if goal is None or ratio >= goal else "  missed"
        figures = f"{found.took(ours):10.2f}{found.took(limit):8.2f}{ratio:7.2f}{goal or '':>7}"
        say(f"{name:24}{figures}{found.written.get(ours, 0):10,}{verdict}")
    wal = max(0, found.wal_bytes - found.record_wal_bytes) / 1024
    record = found.record_wal_bytes / 1024
    say(f"\nwrite-ahead log of nothing changed: {wal:.0f} KiB beside the run's record of {record:.0f}")
    say(f"memory grew by {found.grown_bytes / refresh.MIB:.1f} MiB in the first refresh")
    say("limits: tight pipeline, copied into tables with our indexes; fetching alone, and forgetting it\n")


def measure_pages(keep: bool) -> None:
    from billing.mirror.resources.customer.models import Customer

    runner = get_runner(django.conf.settings)(verbosity=0, interactive=False, keepdb=keep)
    databases = runner.setup_databases(serialized_aliases=set())
    try:
        began = time.monotonic()
        people = growing.grown_people() if Customer.objects.exists() else growing.grow(SIZE)
        say(f"{SIZE:,} customers and what belongs to them, grown in {time.monotonic() - began:.0f} s")
        say(f"load {os.getloadavg()[0]:.1f} before")
        with override_settings(ROOT_URLCONF="bench.urls"):
            measured = pages.measure(people)
            taken = files.measure(people["auditor"])
        say(f"load {os.getloadavg()[0]:.1f} after; medians of up to {pages.ROUNDS} rounds, in process\n")
        say(f"{'':24}{'as':15}{'ms':>8}{'limit':>8}{'ratio':>7}{'goal':>6}")
        for row, ours, limit in measured:
            verdict = "" if ours <= limit * row.goal else "  missed"
            figures = f"{ours:8.1f}{limit:8.1f}{ours / limit:7.2f}{row.goal:6.1f}"
            say(f"{row.name:24}{row.role:15}{figures}{verdict}")
        say("\nlimit: hand-written SQL and our frame around nothing; of frames and polls a signed-in 1 kB")
        rates = served.measure(people["auditor"])
        ratio = rates.list / rates.frame
        figures = f"{rates.list:8.1f}{rates.frame:8.1f}{ratio:7.2f}{served.GOAL:6.1f}"
        verdict = "" if ratio >= served.GOAL else "  missed"
        say(f"\n{'':39}{'a second':>8}{'frame':>8}{'ratio':>7}{'goal':>6}")
        say(f"{f'list, {served.CLIENTS} clients':24}{'auditor':15}{figures}{verdict}")
        served_files = files.measure_served(people["auditor"])
        served_as = f"{'first':>9}{'last':>9}{'MiB':>6}"
        say(f"\n{'files of all':24}{'ms':>8}{'COPY':>8}{'ratio':>7}{'goal':>6}{served_as}")
        for file, ours, copy in taken:
            costs, verdict = served_files[file.name], "" if copy / ours >= file.goal else "  missed"
            served_as = f"{costs.first:9.0f}{costs.last:9.0f}{costs.grown_bytes / files.MIB:6.1f}"
            say(f"{file.name:24}{ours:8.0f}{copy:8.0f}{copy / ours:7.2f}{file.goal:6.1f}{served_as}{verdict}")
        say("\nCOPY: of the same columns, nothing guarded; first and last byte in ms, of the file as served,")
        say("and what the web process grew by")
        say("\nserved by granian as shipped; frame: our own around nothing, served likewise")
    finally:
        runner.teardown_databases(databases)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
