"""The filters in use, each with the address that takes it away."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter: what it narrows, to what, and where the page is without it."""

    label: str
    shown: str
    url: str


def chips(request: HttpRequest, shown: dict[str, tuple[str, str]]) -> list[Chip]:
    """The chips for `{parameter: (label, what to show)}`; what the address doesn't give is left out."""
    return [
        Chip(label, value, address_without(request, name))
        for name, (label, value) in shown.items()
        if request.GET.get(name)
    ]


def address_without(request: HttpRequest, *names: str) -> str:
    """This page's address without some of its filters, on its first page."""
    query = request.GET.copy()
    for name in (*names, "cursor"):
        query.pop(name, None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def filters_only(request: HttpRequest) -> str:
    """The query string of the filters alone, for the CSV of the same list; with `?` unless empty."""
    query = request.GET.copy()
    query.pop("cursor", None)
    return f"?{query.urlencode()}" if query else ""
