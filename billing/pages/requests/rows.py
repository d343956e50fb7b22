"""The lines of the docket as HTML, made in one pass: as a template a page of fifty took most of its time."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from django.utils.safestring import SafeString, mark_safe

from billing.changes.oddities import spelled
from billing.changes.statuses import Status
from billing.pages.markup import format_html, format_html_join
from billing.pages.requests.lines import Line
from billing.pages.templatetags.countersign import (
    age,
    change_status,
    change_url,
    differs_status,
    digest,
    instant,
    money,
    status,
)

SHOWN_SUMS = 2
NOTHING = mark_safe("")
ROW = """
<li id="row-{reference}"{gone}{swap}>
  <div class="tick">{tick}</div>
  <div class="what">
    <h3 class="ask"><a href="{url}"><bdi>{sentence}</bdi></a></h3>
    <p class="by">
      <strong class="nowrap">{reference}</strong> <span>{kind}</span>
      <span>by <bdi>{maker}</bdi></span>
      <span>{age} old</span>{notes}
    </p>
    {digest}
  </div>
  <div class="sum">{sums}</div>
  <div class="step">{step}</div>
  <div class="until">{until}</div>
  <div class="go">
    <a class="button" data-size="small" href="{url}">{go}<span class="visually-hidden"> {reference}</span></a>
  </div>
</li>"""
TICK = (
    '<input type="checkbox" name="decided" value="{}" aria-label="Decide {} together with others" '
    'form="batch"{}>'
)
DIGEST = '<p class="by small quiet"><span class="visually-hidden">Digest</span> {}</p>'
SUM = '<span class="line">{} <span class="quiet">of {}</span></span>'
STEP = (
    '<span class="pips" aria-hidden="true">{}</span> {} of {}<span class="visually-hidden"> approval{}</span>'
)
PIP = mark_safe('<svg viewBox="0 0 12 12"><circle cx="6" cy="6" r="4.5"/></svg>')
FILLED_PIP = mark_safe('<svg viewBox="0 0 12 12" data-filled><circle cx="6" cy="6" r="4.5"/></svg>')
GONE = mark_safe(" <span>waits for you no more; it stays here until you leave</span>")


def drawn(line: Line, *, view: str, ticked: Collection[str] = (), swap: bool = False) -> SafeString:
    """One line as the list of a view shows it; `swap`: out of band under htmx."""
    change = line.change
    return format_html(
        ROW,
        reference=change.reference,
        gone=mark_safe(" data-gone") if line.is_gone else NOTHING,
        swap=mark_safe(' hx-swap-oob="true"') if swap else NOTHING,
        tick=_tick(line, ticked),
        url=change_url(change.reference),
        sentence=spelled(change.sentence),
        kind=line.kind,
        maker=change.maker.name,
        age=age(change.submitted_at),
        notes=_notes(line),
        digest=format_html(DIGEST, digest(change.digest)) if line.may_be_ticked else NOTHING,
        sums=_sums(line),
        step=_step(line.given, line.needed) if line.needed else NOTHING,
        until=_until(line, view),
        go="Review" if view == "waiting" and not line.is_gone else "Open",
    )


def _tick(line: Line, ticked: Collection[str]) -> SafeString:
    if not line.may_be_ticked:
        return NOTHING
    checked = mark_safe(" checked") if line.ticked_as in ticked else NOTHING
    return format_html(TICK, line.ticked_as, line.change.reference, checked)


def _notes(line: Line) -> SafeString:
    """What is said of it beyond who and when."""
    notes = []
    if line.change.irreversible:
        notes.append(format_html(" {}", status("bad", "lock", "Cannot be undone")))
    if line.change.needs_person:
        notes.append(format_html(" {}", status("doubt", "mark-unknown", "Needs a person")))
    if line.differs:
        notes.append(format_html(" {}", differs_status()))
    if line.holder:
        held = line.holder.reference
        notes.append(format_html(' <span>waits for <a href="{}">{}</a></span>', change_url(held), held))
    if line.is_gone:
        notes.append(GONE)
    return mark_safe("".join(notes))  # noqa: S308 escaped one by one


def _sums(line: Line) -> SafeString:
    shown = ((money(sum.amount, sum.currency), sum.what) for sum in line.sums[:SHOWN_SUMS])
    more = '<span class="quiet">and more inside</span>' if len(line.sums) > SHOWN_SUMS else ""
    return format_html_join("", SUM, shown) + mark_safe(more)  # noqa: S308 written above


@cache
def _step(given: int, needed: int) -> SafeString:
    """How many approvals there are of how many, one mark for each."""
    pips = mark_safe("".join(FILLED_PIP if number < given else PIP for number in range(needed)))  # noqa: S308
    return format_html(STEP, pips, given, needed, "" if needed == 1 else "s")


def _until(line: Line, view: str) -> SafeString:
    """How it stands, where the list doesn't say so itself, and until when it may wait."""
    change, stands, left = line.change, NOTHING, NOTHING
    if view != "waiting" or change.status != Status.SUBMITTED:
        stands = change_status(change)
    if line.is_waiting:
        words = line.expires_words
        quiet = format_html('<span class="quiet">{}</span>', words)
        left = format_html(
            '{}<span class="when">{}</span>',
            status("warn", "mark-expired", words) if line.expires_soon else quiet,
            instant(change.expires_at),
        )
    return format_html("{} {}", stands, left)
