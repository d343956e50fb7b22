"""What a mirror must come to however it came there: each noun's rows, beside what the API answers."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from billing.metronome.account import Gateway
from billing.metronome.outcomes import GatewayError
from billing.mirror import fanout
from billing.mirror.models import Reading, RefreshRun
from billing.mirror.refresh import refresh_account
from billing.mirror.resource import Resource, Whole
from billing.mirror.resources import RESOURCES, mirrored
from billing.mirror.resources.tally import tally
from local.testing import environment_for
from tests.mirror.somebody import Somebody
from tests.simulator_server import ROOT, TOKEN, RunningSimulator

NOT_SAID = {"fetched_at", "missing_since"}
"""What a row says of its reading, not of the thing."""


def one_round(gateway: Gateway) -> RefreshRun:
    """Read the whole account once, and every list of every customer."""
    run = refresh_account(gateway)
    fanout.line_up()
    Reading.objects.update(due_at=Now(), claimed_until=None)
    while fanout.read_for_a_turn(gateway, 600):
        pass
    return run


def die_midway(simulator: RunningSimulator, pages: int) -> None:
    """A refresh in a process that is killed after so many pages."""
    parts = connection.settings_dict
    url = f"postgresql://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"
    environment = environment_for(
        "worker-refresh",
        database_url=url,
        METRONOME_BASE_URL=simulator.url,
        METRONOME_BEARER_TOKEN=TOKEN,
        METRONOME_REQUESTS_PER_SECOND="1000",
    )
    died = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "dying_refresh.py"), str(pages)],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr


def wrong_with(noun: Resource, somebody: Somebody) -> list[str]:
    """Where the mirror of a noun differs from what the API lists of it, in words."""
    answered: dict[str, Any] = {}
    for read in noun.reads:
        if isinstance(read, Whole):
            listings = [read.listing]
        else:
            owners = RESOURCES[read.owner].model.objects.filter(missing_since=None)
            listings = [read.listing(str(pk)) for pk in owners.values_list("pk", flat=True)]
        for listing in listings:
            answered |= {listing.id_of(row): row for row in somebody.every(listing)}
    held = {key_of(noun, row): row for row in noun.model.objects.filter(missing_since=None)}
    looked_for = {key_of(noun, row) for row in noun.model.objects.filter(noun.expected, missing_since=None)}
    wrong = [f"{noun.name} {key} is not mirrored" for key in sorted(answered.keys() - held.keys())]
    wrong += [f"{noun.name} {key} is there no more" for key in sorted(looked_for - answered.keys())]
    for key in sorted(answered.keys() & held.keys()) if hasattr(noun.model, "raw") else ():
        said, raw = answered[key], held[key].raw or {}
        wrong += [
            f"{noun.name} {key}: {name} is {raw.get(name)!r}, Metronome says {said.get(name)!r}"
            for name in sorted(said.keys() | raw.keys())
            if said.get(name) != raw.get(name)
        ]
    return wrong


def contents() -> dict[str, dict[str, Any]]:
    """Every present row of every noun, field by field, and what belongs to its sets."""
    found: dict[str, dict[str, Any]] = {"tally": {key: n for key, n in tally().items() if key != "missing"}}
    for noun in mirrored():
        names = [
            column.attname
            for column in noun.model._meta.concrete_fields
            if column.attname not in NOT_SAID and not (column.primary_key and noun.key != ("id",))
        ]
        rows = noun.model.objects.filter(noun.expected, missing_since=None)
        found[noun.name] = {key_of(noun, row): {name: getattr(row, name) for name in names} for row in rows}
        for child in noun.sets:
            for owner, value in child.model.objects.values_list(child.owner, child.value):
                if (row := found[noun.name].get(str(owner))) is not None:
                    row.setdefault(child.of, set()).add(value)
    return found


def forget_everything() -> None:
    """As before the first refresh."""
    tables = [noun.model._meta.db_table for noun in mirrored()]
    tables += [child.model._meta.db_table for noun in mirrored() for child in noun.sets]
    tables += ["billing_reading", "billing_seen", "billing_customertally", "billing_plantally"]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")


def key_of(noun: Resource, row: Any) -> str:
    return ".".join(str(getattr(row, name)) for name in noun.key)


def converge(
    gateway: Gateway, simulator: RunningSimulator, seed: int, *, turns: int, deaths: int
) -> Somebody:
    """Random changes and broken readings in turns, then quiet and one round; asserts that the mirror is true.

    Returns whoever made the changes.
    """
    simulator.reset(customers=110, plans=4, seed=seed)
    somebody = Somebody(simulator, seed)
    dice = somebody.dice
    one_round(gateway)
    for turn in range(turns):
        somebody.change(20)
        for _each in range(dice.randint(0, 3)):
            somebody.spoil()
        if turn < deaths:
            simulator.control("DELETE", "faults")
            die_midway(simulator, dice.randint(1, 4))
        elif turn % 3:
            refresh_account(gateway, pauses=(), watch=lambda _run: somebody.change_meanwhile())
        else:
            with suppress(GatewayError):  # the first question, whose account it is, may be spoilt
                fanout.read_for_a_turn(gateway, 1.0)
        simulator.control("DELETE", "faults")
        simulator.control("POST", "clock", {"move_seconds": 3_600})
    simulator.control("POST", "clock", {"frozen": True})

    run = one_round(gateway)

    assert (run.status, run.error) == ("succeeded", "")
    assert not Reading.objects.exclude(trouble="").exists()
    assert [words for noun in mirrored() for words in wrong_with(noun, somebody)] == []
    after = contents()
    assert refresh_account(gateway).rows_written == 0
    forget_everything()
    one_round(gateway)
    assert after == contents()
    somebody.client.close()
    return somebody
