"""A noun that nobody has heard of: two files beside the others and a migration, and nothing else is edited.

One file has the record and where it is read, one the table, its set and its fields. It hangs on a customer,
is read from the queue, stored, watched, goes missing, is searched and taken out as CSV.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from billing.audit.actors import system
from billing.changes.applying import watching
from billing.changes.nouns import NOUNS
from billing.metronome.account import Gateway
from billing.metronome.outcomes import Evidence
from billing.metronome.transport import RawAnswer
from billing.mirror import fanout
from billing.mirror.connection import open_gateway
from billing.mirror.export import noun_csv
from billing.mirror.models import Reading
from billing.mirror.refresh import refresh_account
from billing.mirror.resource import Resource
from billing.mirror.resources import RESOURCES
from billing.mirror.resources.customer.models import Customer
from billing.mirror.searching import things
from billing.walking import found_in

OBJECT = """
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.metronome.listing import Item, Listing
from billing.metronome.records import id_in, must_when_in, text_in


@dataclass(frozen=True, slots=True)
class WidgetRecord:
    id: str
    customer_id: str
    name: str
    made_at: datetime
    weight: Decimal
    labels: tuple[str, ...]
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source):
        return cls(
            id=id_in(source),
            customer_id=id_in(source, "customer_id"),
            name=text_in(source, "name"),
            made_at=must_when_in(source, "made_at"),
            weight=source["weight"],
            labels=tuple(source["labels"]),
            raw=source,
        )


def widgets_of(customer_id):
    return Listing("/v1/widgets/list", WidgetRecord.from_json, body={"customer_id": customer_id, "limit": 2})


def widget_at(customer_id, widget_id):
    return Item("/v1/widgets/get", WidgetRecord.from_json, body={"customer_id": customer_id, "id": widget_id})
"""
RESOURCE = """
from django.db import models

from made_up.objects.widget import widget_at, widgets_of
from billing.mirror.models import Named, folded
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resource import ChildSet, Field, For, Resource


class Widget(Named):
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    weight = models.DecimalField(max_digits=30, decimal_places=10)

    class Meta:
        app_label = "made_up"
        db_table = "made_up_widget"


class WidgetLabel(models.Model):
    widget = models.ForeignKey(Widget, on_delete=models.PROTECT, related_name="+")
    label = models.TextField()
    fetched_at = models.DateTimeField()

    class Meta:
        app_label = "made_up"
        db_table = "made_up_widgetlabel"
        constraints = [models.UniqueConstraint(fields=["widget", "label"], name="a_widget_has_a_label_once")]


class WidgetResource(Resource):
    name = "widget"
    model = Widget
    sets = (ChildSet(WidgetLabel, owner="widget_id", of="labels", value="label"),)
    reads = (For("customer", "the customer’s widgets", widgets_of),)
    fields = (Field("name", "name", group="name"), Field("labels", "labels", look="set", group="labels"))

    def item(self, owner_id, thing_id):
        return widget_at(owner_id, thing_id)
"""
FILES = {"objects/widget.py": OBJECT, "resources/widget.py": RESOURCE}
"""What a mirrored noun takes, besides the migration that makes its tables."""


@dataclass
class World:
    """The made-up part of Metronome, and what it takes to look at the mirrored one."""

    gateway: Gateway
    noun: Resource
    owner: str
    rows: list[dict[str, Any]]

    def add(self, name: str, *labels: str, weight: str = "1.10") -> str:
        pk = str(uuid4())
        self.rows.append(
            {
                "id": pk,
                "customer_id": self.owner,
                "name": name,
                "made_at": "2026-11-20T08:00:00Z",
                "weight": f"number {weight}",
                "labels": list(labels),
            }
        )
        return pk

    def mirrored(self) -> dict[str, tuple[str, list[str]]]:
        child = self.noun.sets[0].model.objects
        return {
            str(row.pk): (row.name, sorted(child.filter(widget=row).values_list("label", flat=True)))
            for row in self.noun.model.objects.filter(missing_since=None)
        }


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resource]:
    folder = tmp_path_factory.mktemp("nouns")
    for name, text in {
        "__init__.py": "",
        "objects/__init__.py": "",
        "resources/__init__.py": "",
        **FILES,
    }.items():
        path = Path(folder, "made_up", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    yield found_in("made_up.resources", Resource)["widget"]
    sys.path.remove(str(folder))


@pytest.fixture
def world(house: None, made_up: Resource, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setitem(RESOURCES, "widget", made_up)
    monkeypatch.setitem(NOUNS, "widget", made_up)
    rows: list[dict[str, Any]] = []

    class Wider(Gateway):
        """Metronome with two more addresses."""

        def _exchange(self, method: str, path: str, body: Any, *more: Any, **how: Any) -> Any:
            if not path.startswith("/v1/widgets/"):
                return super()._exchange(method, path, body, *more, **how)
            self._spent += 1
            return _answer(path, body, (more or (None,))[0] or {}, rows)

    models = [made_up.model, made_up.sets[0].model]
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    with open_gateway() as opened, Wider(opened.config) as gateway:
        refresh_account(gateway)
        owner = str(Customer.objects.filter(archived_at=None).order_by("pk").first().pk)
        yield World(gateway, made_up, owner, rows)
    with connection.schema_editor() as editor:
        for model in reversed(models):
            editor.delete_model(model)


def _answer(path: str, body: dict[str, Any], query: dict[str, Any], rows: list[dict[str, Any]]) -> RawAnswer:
    mine = [row for row in rows if row["customer_id"] == body["customer_id"]]
    status, whole = 200, {}
    if path.endswith("get"):
        found = [row for row in mine if row["id"] == body["id"]]
        status, whole = (200, {"data": found[0]}) if found else (404, {"message": "not found"})
    else:
        start = int(query.get("next_page", 0))
        onward = str(start + 2) if start + 2 < len(mine) else None
        whole = {"data": mine[start : start + 2], "next_page": onward}
    text = json.dumps(whole).replace('"number ', "").replace('", "labels"', ', "labels"')
    now = datetime.now(UTC)
    evidence = Evidence(status=status, body=text, headers={}, error="", started_at=now, finished_at=now)
    return RawAnswer(status, text.encode(), evidence, {})


def test_it_takes_two_files_and_a_migration() -> None:
    assert len(FILES) == 2


def test_it_is_read_from_the_queue_stored_and_changed(world: World) -> None:
    one, two, three = world.add("One", "b", "a"), world.add("Two"), world.add("Three", "c", weight="0.333")

    fanout.read_lists_of(world.gateway, world.owner)

    assert world.mirrored() == {one: ("One", ["a", "b"]), two: ("Two", []), three: ("Three", ["c"])}
    row = world.noun.model.objects.get(pk=three)
    assert (str(row.weight), str(row.raw["weight"])) == ("0.3330000000", "0.333")
    assert fanout.read_at(world.owner)["widget"] is not None
    assert Reading.objects.filter(noun="widget").count() == 1

    world.rows[0] |= {"labels": ["a", "new"]}
    before = {each.pk: each.fetched_at for each in world.noun.model.objects.all()}
    fanout.read_lists_of(world.gateway, world.owner)
    after = {each.pk: each.fetched_at for each in world.noun.model.objects.all()}

    assert world.mirrored()[one] == ("One", ["a", "new"])
    assert [str(pk) for pk in before if before[pk] != after[pk]] == [one]


def test_what_its_list_no_longer_shows_is_missing(world: World) -> None:
    one, two = world.add("One"), world.add("Two")
    fanout.read_lists_of(world.gateway, world.owner)
    del world.rows[0]

    fanout.read_lists_of(world.gateway, world.owner)

    assert set(world.mirrored()) == {two}
    assert world.noun.model.objects.get(pk=one).missing_since is not None


def test_it_is_found_by_its_name_and_its_id(world: World) -> None:
    one, two = world.add("Ärger Machine"), world.add("Other")
    fanout.read_lists_of(world.gateway, world.owner)

    assert [str(each.pk) for each in things(world.noun, "arger")] == [one]
    assert [str(each.pk) for each in things(world.noun, two)] == [two]


def test_it_is_taken_out_as_csv_with_its_set_and_no_formula(world: World) -> None:
    one = world.add("=1+1", "b", "a")
    fanout.read_lists_of(world.gateway, world.owner)

    text = b"".join(noun_csv(world.noun, system("a test"))).decode()

    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["id"], row["customer_id"], row["name"]) == (one, world.owner, "'=1+1")
    assert json.loads(row["labels"]) == ["a", "b"]
    assert row["made_at"] == "2026-11-20T08:00:00.000000Z"
    assert "raw" not in row


def test_it_is_watched_and_what_moved_is_said_in_words(world: World) -> None:
    one = world.add("One", "a")
    asked = SimpleNamespace(
        watched={f"widget:{one}": {"name": "One", "labels": ["a"]}},
        after={f"widget:{one}": {"name": "Renamed"}},
        owner_of=lambda _thing: f"customer:{world.owner}",
    )
    call = SimpleNamespace(before={}, guards=())

    assert watching.differences(world.gateway, asked, call, {}) == []
    world.rows[0] |= {"name": "Moved", "labels": ["a", "b"]}

    assert [each.sentence for each in watching.differences(world.gateway, asked, call, {})] == [
        "The labels changed in Metronome: 1 more (b).",
        "The name changed in Metronome: it was “One”, now it is “Moved”.",
    ]
    world.rows.clear()
    assert [each.sentence for each in watching.differences(world.gateway, asked, call, {})] == [
        "Metronome no longer knows this widget."
    ]


def test_an_odd_one_is_set_apart_and_lets_none_be_missing(world: World) -> None:
    one, two = world.add("One"), world.add("Two")
    fanout.read_lists_of(world.gateway, world.owner)
    world.rows[0] |= {"name": None}

    fanout.read_lists_of(world.gateway, world.owner)

    assert set(world.mirrored()) == {one, two}
    assert world.noun.model.objects.get(pk=one).name == "One"
