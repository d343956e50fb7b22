"""How outside text, instants, ages, counts and money are written on pages. Nothing here asks the database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from html import escape
from typing import Any

from django import template
from django.template.base import Node, Parser, Token, Variable
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as url_of_django
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from billing import clock as clocks
from billing.audit.events import WORDS, Event
from billing.changes import typed
from billing.changes.oddities import oddities, spelled
from billing.lists.money import decimals
from billing.lists.text import counted
from billing.pages.freshness import STEPS
from billing.pages.kept import drawn_for, drawn_once
from billing.pages.markup import format_html, format_html_join

register = template.Library()
register.filter("oddities", oddities)
register.filter("spelled", spelled)
register.simple_tag(counted)
register.simple_tag(drawn_once)
register.simple_tag(drawn_for, takes_context=True)


class FixedUrl(URLNode):
    """The address of a page that takes no arguments: looked up once, the same for everybody."""

    _found = ""

    def render(self, context: Context) -> str:
        self._found = self._found or super().render(context)
        return self._found


@register.tag
def url(parser: Parser, token: Token) -> Node:
    """Django's own; a page asks for some twenty addresses, and nearly all of them never change."""
    node = url_of_django(parser, token)
    if node.args or node.kwargs or node.asvar or isinstance(node.view_name.var, Variable):
        return node
    return FixedUrl(node.view_name, [], {}, None)


ANY_REFERENCE = "CR-000000"
SELECTED = mark_safe(" selected")
NO_VALUE = mark_safe('<span class="quiet">—</span>')


@cache
def _icon(name: str, extra: str) -> SafeString:
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>', extra, static("icons.svg"), name
    )


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One symbol of static/icons.svg; decoration only, so words stand beside it."""
    return _icon(name, f" {extra}" if extra else "")


@register.simple_tag
def options(choices: Iterable[tuple[Any, str]], chosen: Any, longest: int = 400) -> SafeString:
    """What a drop-down offers, as pairs of value and words; words beyond `longest` are cut."""
    return _options(tuple(choices), chosen, longest)


@lru_cache(100, typed=True)
def _options(choices: tuple[tuple[Any, str], ...], chosen: Any, longest: int) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        (
            (
                value,
                SELECTED if value == chosen else "",
                Truncator(words).chars(longest) if len(words) > longest else words,
            )
            for value, words in choices
        ),
    )


@register.simple_tag
@lru_cache(1_000)
def status(tone: str, mark: str, words: str, boxed: bool = False) -> SafeString:
    """A status: shape, words, tone. `boxed` once in a page's header."""
    return format_html(
        '<span class="status" data-tone="{}"{}>{}{}</span>',
        tone,
        mark_safe(" data-boxed") if boxed else "",
        icon(mark),
        words,
    )


@register.simple_tag
def aged_status(value: datetime, of: str) -> SafeString:
    """The status that something this old has; it changes with the age while the page is open (app.js)."""
    behind = max(timedelta(0), clocks.now() - value)
    _since, words, tone, mark = [step for step in STEPS[of] if step[0] <= behind][-1]
    steps = [[int(since.total_seconds()), *said] for since, *said in STEPS[of]]
    return format_html(
        '<span class="status" data-tone="{}" data-steps="{}" data-seconds="{}">{}<span>{}</span></span>',
        tone,
        json.dumps(steps),
        int(behind.total_seconds()),
        icon(mark),
        words,
    )


@register.simple_tag
def copy_button(what: str, text: str = "") -> SafeString:
    """A button that copies `text`, or else the `.key` before it; `what` is what a screen reader hears."""
    return format_html(
        '<button class="copy" type="button" data-copy{}>{}<span class="visually-hidden">{}</span></button>',
        format_html('="{}"', text) if text else "",
        icon("copy"),
        what,
    )


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _time(value: datetime, shown: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', f"{_utc(value):%Y-%m-%dT%H:%M:%SZ}", shown)


@register.filter
def instant(value: datetime | None) -> SafeString:
    """`2026-11-20 14:02 UTC`."""
    return NO_VALUE if value is None else _time(value, f"{_utc(value):%Y-%m-%d %H:%M} UTC")


@register.filter
def instant_seconds(value: datetime | None) -> SafeString:
    """`2026-11-20 14:02:11 UTC`, for evidence."""
    return NO_VALUE if value is None else _time(value, f"{_utc(value):%Y-%m-%d %H:%M:%S} UTC")


@register.filter
def instant_cell(value: datetime | None) -> SafeString:
    """`2026-11-20 14:02:11`, where the column's head says UTC."""
    return NO_VALUE if value is None else _time(value, f"{_utc(value):%Y-%m-%d %H:%M:%S}")


@register.filter
def clock(value: datetime | None) -> SafeString:
    """`14:02:11 UTC`, with the day before it unless it is today."""
    if value is None:
        return NO_VALUE
    is_today = _utc(value).date() == clocks.now().astimezone(UTC).date()
    return _time(value, f"{_utc(value):{'' if is_today else '%Y-%m-%d '}%H:%M:%S} UTC")


@register.filter
def day(value: datetime | date | None) -> SafeString:
    """`2026-11-20`, the day in UTC."""
    if value is None:
        return NO_VALUE
    return _day(_utc(value).date() if isinstance(value, datetime) else value)


@lru_cache(1_000)
def _day(value: date) -> SafeString:
    return format_html('<time datetime="{0}">{0}</time>', value.isoformat())


@register.filter
def duration(seconds: float | None) -> str:
    """`8 s`, `47 min`, `2 h 30 min`, `2 d 4 h`: two units at most, the second only when it isn't zero."""
    if seconds is None:
        return "—"
    whole = max(0, int(seconds))
    for unit, size, smaller, part in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size:,} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"


@register.filter
def age(value: datetime | None) -> SafeString | str:
    """How long ago, beside the instant and never instead of it; it goes on while a page is open (app.js)."""
    if value is None:
        return "—"
    seconds = max(0, int((clocks.now() - value).total_seconds()))
    return format_html(
        '<time datetime="{}" data-age="{}">{}</time>',
        f"{_utc(value):%Y-%m-%dT%H:%M:%SZ}",
        seconds,
        duration(seconds),
    )


@register.filter
def count(number: int | None) -> str:
    """`1,380`."""
    return "—" if number is None else f"{number:,}"


@register.filter
def up_to_99(number: int) -> str:
    """`12`, and `99+` for what was counted no further."""
    return "99+" if number > 99 else str(number)


@register.filter
def key(value: Any) -> SafeString:
    """An alias, id or digest: outer spaces are drawn, and what would turn it around is spelled out."""
    text = spelled(str(value))
    inner = text.strip()
    if inner and inner == text:
        return mark_safe(f'<span class="key">{escape(text)}</span>')  # noqa: S308 nearly all, and lists show many
    if not inner:
        return format_html('<span class="key"><span class="sp">{}</span></span>', text)
    start = text.index(inner)
    before, after = text[:start], text[start + len(inner) :]
    drawn = mark_safe('<span class="sp">{}</span>')
    return format_html(
        '<span class="key">{}{}{}</span>',
        format_html(drawn, before) if before else "",
        inner,
        format_html(drawn, after) if after else "",
    )


@register.filter
def digest(text: str) -> SafeString:
    """A digest of 64 characters in eight pieces, which an eye can compare."""
    pieces = (f"<span>{escape(text[start : start + 8])}</span>" for start in range(0, 64, 8))
    return mark_safe(f'<span class="digest">{"".join(pieces)}</span>')  # noqa: S308 escaped piece by piece


@register.simple_tag
def to_type(name: str, thing_id: str | None) -> str:
    """What a person repeats to show that they mean this one."""
    return typed.to_type(name, thing_id)


@register.simple_tag
def alias_item(alias: str) -> SafeString:
    """One alias of a customer's list, which may hold 2,000: to the byte, its oddities, and a copy button."""
    tags = format_html_join("", ' <span class="tag">{}</span>', ((words,) for words in oddities(alias)))
    return format_html(
        "<li>{}{} {}</li>",
        key(alias),
        tags,
        copy_button("Copy alias", alias if spelled(alias) != alias else ""),
    )


@register.simple_tag
def money(amount: Decimal | str, currency: str) -> SafeString:
    """`EUR 69,297.46`: the currency's own decimals, a true minus, the plain number as value."""
    exact = Decimal(amount)
    shown = f"{exact.copy_abs():,.{decimals(exact, currency)}f}"
    return format_html(
        '<data class="money" value="{}"><abbr>{}</abbr> <span>{}{}</span></data>',
        f"{exact:f}",
        currency,
        "−" if exact < 0 else "",
        shown,
    )


@register.simple_tag
def change_link(reference: str) -> SafeString:
    """A request's reference, leading to it."""
    return format_html('<a class="nowrap" href="{}">{}</a>', change_url(reference), reference)


@cache
def _change_url() -> str:
    return reverse("billing:change", args=[ANY_REFERENCE])


def change_url(reference: str) -> str:
    """The address of a request's page; looked up once, since lists show many."""
    return _change_url().replace(ANY_REFERENCE, reference)


@register.simple_tag
def change_status(change: Any) -> SafeString:
    """A change request's status as every list shows it."""
    return status(change.tone, change.mark, change.get_status_display())


@register.simple_tag
def differs_status() -> SafeString:
    """What stands beside the status of an applied request that came out differently from what was shown."""
    words = WORDS[Event.CHANGE_DIFFERED]
    return status(words.tone, words.mark, words.short)


@register.simple_tag
def event_status(event: Any) -> SafeString:
    """What an audit event says, beside its subject."""
    words = event.told_as
    return status(words.tone, words.mark, words.short)


@register.simple_tag
def event_sentence(event: Any) -> SafeString:
    """What an audit event says, whole; what it is about leads to its page, where there is one."""
    words = event.told_as
    what = format_html("<bdi>{}</bdi>", event.reference or event.subject_text or event.subject_id)
    found_by = [getattr(event, words.key)] if words.key else []
    if words.page and all(found_by):
        what = format_html('<a href="{}">{}</a>', reverse(words.page, args=found_by), what)
    return format_html(words.sentence, who=format_html("<bdi>{}</bdi>", event.actor_text), what=what)


@register.filter
def took(run: Any) -> str:
    """How long a refresh took, or has been taking so far as its last sign of life says."""
    return duration(((run.finished_at or run.heartbeat_at) - run.started_at).total_seconds())
