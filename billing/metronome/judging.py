"""What a raw answer really says. The SDK's parsed result proves nothing: a 200 with HTML parses as None."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from billing.metronome.calls import Answer
from billing.metronome.exact import parsed_json
from billing.metronome.outcomes import (
    Halt,
    NotSent,
    OutcomeUnknown,
    ReadFailed,
    Refused,
    storable,
)
from billing.metronome.rows import MISREAD, why
from billing.metronome.transport import NoAnswer, RawAnswer

T = TypeVar("T")

REFUSALS = frozenset({400, 404, 409, 422})


def judged_write(answer: RawAnswer | NoAnswer, *, is_resend: bool, ids_are_fresh: bool) -> Answer:
    """A write's answer, confirmed. Raises NotSent, Refused, Halt or OutcomeUnknown; see `Sending`.

    Only Metronome's own words make a status a *no*: anything between us may answer one after the effect.
    """
    if isinstance(answer, NoAnswer):
        if not answer.connected:
            raise NotSent(f"Metronome could not be reached: {answer.words}.", answer.evidence)
        raise OutcomeUnknown(f"No answer came: {answer.words}.", answer.evidence)
    if 200 <= answer.status < 300:
        return confirmed(answer)
    words = message_of(answer.body)
    if not words:
        raise OutcomeUnknown(f"{answer.status} was answered, but not in Metronome’s words.", answer.evidence)
    if answer.status in (401, 403) or 300 <= answer.status < 400:
        raise Halt(turned_away(answer, words), answer.evidence)
    if answer.status == 429:
        wait = retry_after(answer, 15.0)
        raise NotSent("Metronome’s rate limit was reached.", answer.evidence, retry_after_seconds=wait)
    if answer.status not in REFUSALS:
        raise OutcomeUnknown(f"Metronome answered {answer.status}.", answer.evidence)
    if answer.status == 404 and ids_are_fresh:
        raise NotSent(f"Metronome does not know the new id yet: {words}", answer.evidence)
    if is_resend:
        raise OutcomeUnknown(
            f"Sent again, Metronome said “{words}”, which tells nothing of the first time.", answer.evidence
        )
    if is_key_clash(answer.status, words):
        raise OutcomeUnknown(f"This call had reached Metronome before: “{words}”.", answer.evidence)
    raise Refused(words, answer.evidence)


def is_key_clash(status: int | None, words: str) -> bool:
    """Whether an answer is about our Idempotency-Key: something on the way to Metronome sent the call twice.

    Then it is no refusal of what was asked for, and nothing is stored under the key for it.
    """
    return status == 409 and "idempotency" in words.lower()


def judged_read(answer: RawAnswer | NoAnswer) -> RawAnswer:
    """A read's answer: 2xx, or *no such thing* for the caller to judge. Raises ReadFailed or Halt."""
    if isinstance(answer, NoAnswer):
        raise ReadFailed(f"Metronome gave no answer: {answer.words}.", answer.evidence)
    if answer.status in (401, 403) or 300 <= answer.status < 400:
        raise Halt(turned_away(answer, message_of(answer.body)), answer.evidence)
    if answer.status == 429:
        wait = retry_after(answer, 0.0) or None
        raise ReadFailed("Metronome’s rate limit was reached.", answer.evidence, retry_after_seconds=wait)
    if not 200 <= answer.status < 300 and answer.status != 404 and not says_unknown(answer):
        words = message_of(answer.body)
        raise ReadFailed(
            f"Metronome answered {answer.status}" + (f": {words}" if words else "."), answer.evidence
        )
    return answer


def says_unknown(answer: RawAnswer) -> bool:
    """Whether Metronome says in its words that there is no such thing: 404, or on contract routes a 400."""
    if answer.status == 404:
        return bool(message_of(answer.body))
    return (
        answer.status == 400 and code_of(answer.body).endswith("NotFound") and bool(message_of(answer.body))
    )


def message_of(body: bytes) -> str:
    """The documented `message` of an error body, storable; empty when the body is not one."""
    return _text_in(body, "message")


def code_of(body: bytes) -> str:
    """The `code` that contract routes add to an error body, storable; empty where there is none."""
    return _text_in(body, "code")


def _text_in(body: bytes, member: str) -> str:
    try:
        whole = parsed_json(body)
    except ValueError:
        return ""
    words = whole.get(member) if isinstance(whole, dict) else None
    return storable(words[:1_000]) if isinstance(words, str) else ""


def object_in(whole: Any) -> dict[str, Any]:
    """The object in the `data` envelope. Raises ValueError, KeyError or TypeError."""
    inner = whole["data"]
    if not isinstance(inner, dict):
        raise ValueError("`data` is not an object")
    return inner


def parsed(
    answer: RawAnswer, make: Callable[[Any], T], of: str = "", load: Callable[[bytes], Any] = parsed_json
) -> T:
    """What a read's body says. Raises ReadFailed for anything but the documented shape; `of` names it."""
    if answer.status in (400, 404):
        words = message_of(answer.body) or "not found"
        raise ReadFailed(f"Metronome answered {answer.status}: {words}", answer.evidence)
    try:
        return make(load(answer.body))
    except MISREAD as problem:
        about = f" about {of}" if of else ""
        raise ReadFailed(
            f"Metronome’s answer{about} has an unknown shape: {why(problem)}", answer.evidence
        ) from problem


def confirmed(answer: RawAnswer) -> Answer:
    """A confirmed write: the object or the list in `data`, or an empty, `null` or `{}` body. Else unknown."""
    if not answer.body.strip():
        return Answer(answer.status, None, answer.evidence)
    try:
        whole = parsed_json(answer.body)
    except ValueError as problem:
        raise OutcomeUnknown(
            f"Metronome answered {answer.status} with no JSON.", answer.evidence
        ) from problem
    inner = whole.get("data", {}) if isinstance(whole, dict) else None
    if isinstance(inner, list) and all(isinstance(row, dict) for row in inner):
        return Answer(answer.status, None, answer.evidence, rows=tuple(inner))
    if whole is not None and not isinstance(inner, dict):
        raise OutcomeUnknown(
            f"Metronome answered {answer.status} with a body that is not documented.", answer.evidence
        )
    return Answer(answer.status, inner or None, answer.evidence)


def turned_away(answer: RawAnswer, words: str) -> str:
    """A 401, 403 or redirect in a sentence; `words` are Metronome's own."""
    said = f": “{words}”" if words else ""
    if answer.status == 401:
        return f"Metronome does not accept the token (401){said}."
    if answer.status == 403:
        return f"Metronome does not allow the token to do this (403){said}."
    return f"Metronome’s address redirects elsewhere ({answer.status}), which is never followed."


def retry_after(answer: RawAnswer, otherwise: float) -> float:
    """Seconds to wait as the answer asks, between 1 and 300; `otherwise` where it does not say.

    Both forms of RFC 9110 §10.2.3 count: seconds, and a date.
    """
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(300.0, max(1.0, float(said[:9])))
    try:
        when = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return otherwise
    if when.tzinfo is None:  # RFC 9110 knows GMT alone
        when = when.replace(tzinfo=UTC)
    return min(300.0, max(1.0, (when - datetime.now(UTC)).total_seconds()))
