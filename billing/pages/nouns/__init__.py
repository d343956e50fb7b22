"""The faces of nouns: `<noun>.py` holds the list and the page of one, and is found by being there."""

from functools import cache

from django.urls import URLPattern

from billing.pages import detail, listing
from billing.pages.detail import DetailPage
from billing.pages.listing import ListPage
from billing.walking import found_in


@cache
def lists_with_pages() -> dict[ListPage, tuple[str, ...]]:
    """Every list there is, by heading, with the names of the pages of its things, and of lists beside it."""
    things = pages()
    lists = sorted(found_in(__name__, ListPage).values(), key=lambda face: face.heading)
    own = {face.name: [page.name for page in things if isinstance(face, page.of)] for face in lists}
    return {
        face: (*own[face.name], *(each for name, _title in face.tabs for each in (name, *own[name])))
        for face in lists
    }


def urlpatterns() -> list[URLPattern]:
    """The addresses of all of them."""
    return [*listing.addresses(lists_with_pages()), *detail.addresses(pages())]


def pages() -> list[DetailPage]:
    """The page of one thing of each noun that has one."""
    return list(found_in(__name__, DetailPage).values())
