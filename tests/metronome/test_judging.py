"""What a status proves of a write: a no in Metronome's own words, else nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest

from billing.metronome.judging import judged_write
from billing.metronome.outcomes import Evidence, GatewayError, Halt, NotSent, OutcomeUnknown, Refused
from billing.metronome.transport import RawAnswer

HTML = b"<!doctype html><title>Proxy</title><p>No.</p>"
WORDS = b'{"message": "no"}'
CODED = b'{"code": "NotFound", "message": "no"}'
NOW = datetime(2026, 11, 28, tzinfo=UTC)


def answered(status: int, body: bytes, headers: dict[str, str] | None = None) -> RawAnswer:
    evidence = Evidence(status, body.decode(), headers or {}, "", NOW, NOW)
    return RawAnswer(status, body, evidence, httpx.Headers(headers or {}))


def judge(status: int, body: bytes, **options: bool) -> type[GatewayError]:
    with pytest.raises(GatewayError) as caught:
        judged_write(answered(status, body), **{"is_resend": False, "ids_are_fresh": False, **options})
    assert caught.value.status == status
    return type(caught.value)


@pytest.mark.parametrize(
    "body", [b"", HTML, b"null", b"[]", b"{}", b'{"message": 3}', b'{"error": "no"}', b"{"]
)
@pytest.mark.parametrize(
    "status", [301, 302, 307, 400, 401, 403, 404, 407, 408, 409, 422, 429, 500, 502, 503]
)
def test_a_status_without_metronomes_words_proves_nothing(status: int, body: bytes) -> None:
    assert judge(status, body) is OutcomeUnknown


@pytest.mark.parametrize("body", [WORDS, CODED])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, Halt),
        (401, Halt),
        (403, Halt),
        (429, NotSent),
        (400, Refused),
        (404, Refused),
        (409, Refused),
        (422, Refused),
        (408, OutcomeUnknown),
        (500, OutcomeUnknown),
        (503, OutcomeUnknown),
    ],
)
def test_in_metronomes_words_a_status_means_what_it_says(
    status: int, outcome: type[GatewayError], body: bytes
) -> None:
    assert judge(status, body) is outcome


def test_a_no_to_a_resend_or_about_a_new_id_is_no_refusal() -> None:
    assert judge(409, WORDS, is_resend=True) is OutcomeUnknown
    assert judge(404, WORDS, ids_are_fresh=True) is NotSent


@pytest.mark.parametrize(
    "words",
    [
        "Idempotency-Key was already used with different parameters",
        "A request with this idempotency key is still running",
    ],
)
def test_a_clash_of_the_key_says_that_the_call_had_arrived_before_and_refuses_nothing(words: str) -> None:
    body = json.dumps({"message": words}).encode()

    assert judge(409, body) is OutcomeUnknown
    assert judge(400, body) is Refused
