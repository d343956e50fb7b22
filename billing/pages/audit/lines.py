"""The record as a page shows it: one line an event, the events of one request under one heading.

Made in one pass of plain texts, since a page has many: what came from outside is escaped where it is put in.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import UTC
from html import escape
from typing import Any

from django.template.defaultfilters import capfirst
from django.utils.safestring import SafeString, mark_safe

from billing.audit.models import AuditEvent
from billing.pages.audit.fields import lines_of
from billing.pages.templatetags.countersign import change_url, key, status
from billing.pages.web import url_of

LONGEST_LINE = 160
"""Characters of a text that a line may show; the whole of it is in the details."""
SAID = ("explanation", "message", "finding")
"""The facts of an event that are a sentence of their own."""
BECAME = ' <span aria-hidden="true">→</span><span class="visually-hidden">became</span> '


def drawn(events: Iterable[AuditEvent], *, grouped: bool = True, going_on: Container[str] = ()) -> SafeString:
    """The items of the list, newest first; what one request has beside its newest event stands with it.

    going_on: the requests of which the next page has more.
    """
    together: dict[Any, list[AuditEvent]] = {}
    for event in events:
        together.setdefault((grouped and event.reference) or event.pk, []).append(event)
    items = (
        _group(each, goes_on=each[0].reference in going_on)
        if len(each) > 1 or (grouped and each[0].reference in going_on)
        else _item(each[0], is_alone=True)
        for each in together.values()
    )
    return mark_safe("".join(items))  # noqa: S308 every text in them is escaped


def _group(events: list[AuditEvent], *, goes_on: bool) -> str:
    first = events[0]
    reference = escape(first.reference)
    inner = "".join(_item(event, is_alone=False) for event in events)
    if goes_on:
        inner += '<li class="on quiet">more on the next page</li>'
    return (
        f'<li class="group"><div class="of"><div>{_request(first)} '
        f'<h3 class="cut"><bdi>{escape(first.subject_text)}</bdi></h3></div>'
        f'<div class="cut">{_customer(first)}</div>'
        f'<div class="no"><a href="?reference={reference}">All<span class="visually-hidden"> events of '
        f"{reference}</span></a></div></div><ol>{inner}</ol></li>"
    )


def _item(event: AuditEvent, *, is_alone: bool) -> str:
    """One event: when, who and what; folded under it all that the record holds of it."""
    words = event.told_as
    at = event.occurred_at.astimezone(UTC)
    said = _said(event)
    told = escape(line_of(event))
    if is_alone and event.reference:
        told += f' <span class="quiet">·</span> <bdi>{escape(_cut(event.subject_text))}</bdi>'
    if said:
        told += f' <span class="quiet"><bdi>{escape(_cut(said))}</bdi></span>'
    return (
        f'<li class="event" id="e{event.pk}"><details><summary><time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">'
        f'<span class="quiet">{at:%Y-%m-%d}</span> {at:%H:%M:%S}</time> '
        f'<span class="cut"><bdi>{escape(event.actor_text)}</bdi></span> '
        f'<span class="cut">{status(words.tone, words.mark, "")}{told}</span></summary>'
        f'<div class="more"><dl class="facts">{_facts(event, said)}</dl></div></details>'
        f'<div class="cut">{_on(event) if is_alone else ""}</div>'
        f'<div class="no"><a href="#e{event.pk}">{event.pk:,}</a></div></li>'
    )


def line_of(event: AuditEvent) -> str:
    """What an event says on its line: with the fact that its words name, or where it has none without."""
    words = event.told_as
    if words.line and isinstance(event.new, dict):
        try:
            return words.line.format_map(event.new).replace("_", " ")
        except KeyError:
            return words.short
    return words.short


def _said(event: AuditEvent) -> str:
    """Somebody's reason in quotes, or what the worker says of it."""
    if event.reason:
        return f"“{event.reason}”"
    facts = event.new if isinstance(event.new, dict) else {}
    return next((str(facts[name]) for name in SAID if facts.get(name)), "")


def _on(event: AuditEvent) -> str:
    """What an event that stands alone is about, unless that is who did it."""
    if event.reference:
        return f"{_request(event)} {_customer(event)}"
    if event.customer_id:
        return _customer(event, event.subject_text)
    if event.subject_text != event.actor_text:
        return f"<bdi>{escape(_cut(event.subject_text or event.subject_id))}</bdi>"
    return f'<span class="quiet">from {escape(event.ip)}</span>' if event.ip else ""


def _request(event: AuditEvent) -> str:
    reference = escape(event.reference)
    return f'<a class="nowrap" href="{change_url(reference)}">{reference}</a>'


def _customer(event: AuditEvent, otherwise: str = "") -> str:
    """The customer by the name that it had then, leading to its page."""
    name = escape(_cut(event.customer_name or otherwise))
    if event.customer_id is None or not name:
        return f"<bdi>{name}</bdi>" if name else ""
    return f'<a href="{url_of("billing:customer", event.customer_id)}"><bdi>{name}</bdi></a>'


def _facts(event: AuditEvent, said: str) -> str:
    """All that the record holds of an event, as rows of label and value."""
    role = f", as {escape(capfirst(event.actor_role))}" if event.actor_role else ""
    rows = [_fact("Event", f"{escape(event.event.label)} <code>{event.event_type}</code>{role}")]
    if event.subject_text or not event.reference:
        rows.append(_fact("On", f"<bdi>{escape(event.subject_text or event.subject_id)}</bdi>"))
    if event.customer_id:
        rows.append(_fact("Customer", f"{_customer(event)} {key(event.customer_id)}"))
    rows += [
        _fact(escape(capfirst(line.label)), _changed(line.old, line.new))
        if line.label
        else _fact("Status", _changed(line.old.replace("_", " "), line.new.replace("_", " ")))
        for line in lines_of(event.old, event.new)
        if line.new != said
    ]
    if said:
        rows.append(_fact("Reason" if event.reason else "Said", f'<span class="said">{escape(said)}</span>'))
    if event.ip or event.user_agent:
        rows.append(
            _fact("From", f"<bdi>{escape(', '.join(filter(None, [event.ip, event.user_agent])))}</bdi>")
        )
    if event.request_id:
        rows.append(_fact("Web request", f'<span class="key">{escape(event.request_id)}</span>'))
    if event.digest:
        pieces = "".join(
            f"<span>{escape(event.digest[start : start + 8])}</span>" for start in range(0, 64, 8)
        )
        rows.append(_fact("Digest", f'<span class="digest">{pieces}</span>'))
    return "".join(rows)


def _fact(label: str, value: str) -> str:
    return f"<div><dt>{label}</dt><dd>{value}</dd></div>"


def _changed(old: str, new: str) -> str:
    """One field before and after."""
    before = f"<bdi>{escape(old)}</bdi>" if old else ""
    return f"{before}{BECAME if old and new else ''}{f'<bdi>{escape(new)}</bdi>' if new else ''}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"
