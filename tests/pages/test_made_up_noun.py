"""A noun's face is one file: its list, part, file, page and place in the navigation come from that."""

from __future__ import annotations

import csv
import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLResolver, clear_url_caches, include, path

from adminsite import urls as project
from billing.audit.models import AuditEvent
from billing.mirror.resources.plan import Plan
from billing.pages import detail, kept, listing, nouns, urls
from tests.pages.conftest import now, squeezed

FACE = '''
"""Tariffs, a noun that nobody but this test knows."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.html import format_html

from billing.lists.paging import FilterRefused, cut
from billing.mirror.resources.plan import Plan
from billing.pages.detail import DetailPage
from billing.pages.inputs import Input
from billing.pages.listing import Column, ListPage


@dataclass(frozen=True)
class TariffFilter:
    q: str = ""
    sort: str = "name"

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> "TariffFilter":
        if len(query.get("q", "")) > 10:
            raise FilterRefused("That is too long for a tariff.")
        return cls(query.get("q", ""), query.get("sort") or "name")

    def as_json(self) -> dict[str, str]:
        return {"q": self.q} if self.q else {}


class Tariffs(ListPage):
    name = "tariffs"
    title = "Tariffs"
    noun = ("tariff", "tariffs")
    place = "mirror"
    filter = TariffFilter
    inputs = (Input("q", "Words", "search"),)
    columns = (
        Column(
            "Name",
            lambda row: format_html('<a href="/tariffs/{}/">{}</a>', row.pk, row.name),
            {"id": "id", "name": "name"},
            sort="name",
        ),
        Column("Description", lambda row: row.description, {"description": "description"}),
    )
    none_left = ("No tariff is left", "Say less.")

    def page(self, wanted, cursor=None):
        rows = Plan.objects.filter(name__icontains=wanted.q)
        return cut(rows, order=wanted.sort, column="name", cursor=cursor, limit=2, parse_id=str,
                   key_of=lambda row: (row.name, str(row.pk)))

    def rows(self, wanted):
        return Plan.objects.filter(name__icontains=wanted.q).order_by(wanted.sort, "pk")

    def is_muted(self, row):
        return row.missing_since is not None


class TariffPage(DetailPage):
    name = "tariff"
    of = Tariffs

    def find(self, thing_id):
        return Plan.objects.filter(pk=thing_id).first()

    def facts(self, thing):
        return [("Said of it", thing.description)]
'''


@pytest.fixture
def tariffs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """The house with one file more beside its faces."""
    (tmp_path / "tariff.py").write_text(FACE, encoding="utf-8")
    monkeypatch.setattr(nouns, "__path__", [*nouns.__path__, str(tmp_path)])
    _forget()
    faces = [face for face in nouns.lists_with_pages() if face.name == "tariffs"]
    pages = [page for page in nouns.pages() if page.name == "tariff"]
    more = [*listing.addresses(faces), *detail.addresses(pages)]
    others = [each for each in project.urlpatterns if not _is_ours(each)]
    module = ModuleType("with_tariffs")
    module.urlpatterns = [*others, path("", include(([*urls.urlpatterns, *more], "billing")))]
    monkeypatch.setitem(sys.modules, "with_tariffs", module)
    settings.ROOT_URLCONF = "with_tariffs"
    clear_url_caches()
    yield
    monkeypatch.undo()
    _forget()
    sys.modules.pop("billing.pages.nouns.tariff", None)


def _is_ours(pattern: object) -> bool:
    return isinstance(pattern, URLResolver) and pattern.namespace == "billing"


def _forget() -> None:
    """What a process keeps of the faces that it knew."""
    importlib.invalidate_caches()
    nouns.lists_with_pages.cache_clear()
    kept._drawn_for.cache_clear()


@pytest.fixture
def three(db: None) -> list[Plan]:
    """Three of them; one begins as a formula, one has markup in it, one is gone."""
    rows = [("=1+1", "one", None), ("<b>", "<i>two", None), ("Scale", "", now())]
    return [
        Plan.objects.create(
            id=UUID(int=number), name=name, description=said, fetched_at=now(), missing_since=gone
        )
        for number, (name, said, gone) in enumerate(rows, 1)
    ]


@pytest.mark.usefixtures("tariffs", "three")
def test_a_noun_in_a_file_of_its_own_has_its_list_part_file_and_page(manager: Client) -> None:
    page = squeezed(manager.get("/tariffs/").content.decode())
    part = squeezed(manager.get("/tariffs/", headers={"HX-Request": "true"}).content.decode())

    assert '<a href="/tariffs/" aria-current="page">Tariffs</a>' in page
    assert page.count("<html") == 1
    assert part.count("<html") == 0
    assert part.strip().startswith("<section id=")
    assert "<i>two" not in page
    assert 'data-label="Description"><span>&lt;i&gt;two</span></td>' in page
    assert '<a href="?sort=-name">Name' in page
    assert 'aria-sort="ascending"' in page
    assert page.count('<th scope="row">') == 2
    assert 'rel="next"' in page

    file = manager.get("/tariffs.csv?q=s")
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert rows == [{"id": str(UUID(int=3)), "name": "Scale", "description": ""}]
    whole = manager.get("/tariffs.csv").getvalue().decode()
    assert "'=1+1" in whole
    exported = AuditEvent.objects.filter(event_type="list.exported").order_by("pk").first()
    assert (exported.subject_text, exported.new) == ("Tariffs", {"filter": {"q": "s"}})

    one = squeezed(manager.get(f"/tariffs/{UUID(int=2)}/").content.decode())
    assert "<h1><bdi>&lt;b&gt;</bdi></h1>" in one
    assert "<dt><bdi>Said of it</bdi></dt><dd><bdi>&lt;i&gt;two</bdi></dd>" in one
    assert '<li><a href="/tariffs/">Tariffs</a></li>' in one
    assert manager.get(f"/tariffs/{UUID(int=9)}/").status_code == 404


@pytest.mark.usefixtures("tariffs", "three")
def test_its_filters_and_places_are_refused_in_words_and_cleared(manager: Client) -> None:
    long = manager.get("/tariffs/?q=" + "x" * 11)
    none = squeezed(manager.get("/tariffs/?q=zebra&sort=-name").content.decode())
    lost = manager.get("/tariffs/?cursor=nonsense")

    assert (long.status_code, long.context["problem"]) == (400, "That is too long for a tariff.")
    assert manager.get("/tariffs.csv?q=" + "x" * 11).status_code == 400
    assert "No tariff is left" in none
    assert '<a class="button" href="/tariffs/?sort=-name">Clear filters</a>' in none
    assert "<b>Words</b> <bdi>zebra</bdi>" in none
    assert '<input type="hidden" name="sort" value="-name">' in none
    assert (lost.status_code, len(lost.context["page"].rows)) == (200, 2)
    assert manager.post("/tariffs/").status_code == 405


@pytest.mark.usefixtures("tariffs", "three")
def test_nobody_sees_it_unasked(client: Client) -> None:
    assert client.get("/tariffs/").status_code == 302
    assert client.get("/tariffs.csv").status_code == 401  # a script is told, a browser led to sign in
    assert client.get(f"/tariffs/{UUID(int=1)}/").status_code == 302
