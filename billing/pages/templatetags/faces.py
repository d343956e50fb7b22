"""The part of the navigation that is made of the faces of nouns."""

from __future__ import annotations

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from billing.pages import nouns
from billing.pages.templatetags.countersign import icon

register = template.Library()
HERE = mark_safe(' aria-current="page"')


@register.simple_tag(takes_context=True)
def leads_to(context: Context, place: str) -> SafeString:
    """The lists of one place that the person may open. Context: at, the page's address; rights."""
    return format_html_join(
        "",
        '<li><a href="{}"{}>{}{}</a></li>',
        (
            (
                reverse(f"billing:{face.name}"),
                HERE if context["at"] in (face.name, *names) else "",
                icon(face.icon) if face.icon else "",
                face.heading,
            )
            for face, names in nouns.lists_with_pages().items()
            if face.place == place and context["rights"].intersection(face.may)
        ),
    )
