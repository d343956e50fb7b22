"""The page of one thing, declared: what it is, its facts, its records in Metronome's own words."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from billing.pages.access import View, needs
from billing.pages.listing import ListPage
from billing.pages.web import render_page
from billing.roles import Can


class DetailPage:
    """The page of one thing by its id, `billing:<name>`, below the list `of` which it is one.

    Its facts are pairs of label and value, drawn if they are safe and escaped if not.
    """

    name: ClassVar[str] = ""
    of: ClassVar[type[ListPage]]
    may: ClassVar[tuple[Can, ...]] = (Can.BROWSE,)
    template: ClassVar[str] = "lists/detail"

    def find(self, thing_id: UUID) -> Any:
        """The thing, None where it isn't known."""
        raise NotImplementedError

    def called(self, thing: Any) -> str:
        """Its title."""
        return thing.name

    def facts(self, thing: Any) -> list[tuple[str, Any]]:
        """What is known of it."""
        return []

    def more(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        """What its own template shows beside that."""
        return {}


def page_of(face: DetailPage) -> View:
    """The view of one thing's page."""

    @needs(*face.may)
    @require_safe
    def page(request: HttpRequest, thing_id: UUID) -> HttpResponse:
        thing = face.find(thing_id)
        if thing is None:
            raise Http404(f"The mirror knows no {face.name} {thing_id}")
        return render_page(
            request,
            face.template,
            face=face,
            thing=thing,
            title=face.called(thing),
            list_url=f"billing:{face.of.name}",
            facts=face.facts(thing),
            **face.more(request, thing),
        )

    return page


def addresses(faces: list[DetailPage]) -> list[URLPattern]:
    """The addresses of some things."""
    return [path(f"{face.of.path()}<uuid:thing_id>/", page_of(face), name=face.name) for face in faces]
