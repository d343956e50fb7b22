"""What no browser sends never breaks a page, and Redis holds no code."""

from __future__ import annotations

import pickle

import pytest
from django.test import Client

from adminsite.cache import JsonSerializer
from adminsite.middleware import is_address, is_utf8

pytestmark = pytest.mark.django_db

BROKEN = ["http://[", "http://%5B", "//[", "http://a:b/", "http://a:99999999/"]


@pytest.mark.parametrize("header", ["Referer", "HX-Current-URL"])
@pytest.mark.parametrize("address", BROKEN)
def test_a_broken_address_in_a_header_counts_as_absent(header: str, address: str) -> None:
    headers = {header: address, "HX-Request": "true", "HX-Current-URL-URI-AutoEncoded": "true"}

    assert not is_address(address)
    assert Client().get("/accounts/login/", headers=headers).status_code == 200
    assert Client().get("/customers/", headers=headers).status_code in {302, 401}


@pytest.mark.parametrize("charset", ["hex", "rot13", "utf-16", "latin-1", "nonsense", "idna"])
def test_a_charset_other_than_utf8_is_refused_in_words(charset: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    answer = Client().generic("POST", "/accounts/login/", b"login=a", content_type=kind)

    assert (answer.status_code, answer.content) == (400, b"Send text as UTF-8.")


def test_every_spelling_of_utf8_is_taken() -> None:
    assert [is_utf8(name) for name in ("utf-8", "UTF-8", "utf8", "U8")] == [True] * 4


def test_the_cache_reads_json_and_never_a_pickle() -> None:
    serializer = JsonSerializer()

    assert serializer.dumps(3) == 3
    assert serializer.loads(serializer.dumps([1.5, "ö", None])) == [1.5, "ö", None]
    with pytest.raises(UnicodeDecodeError, match="utf-8"):
        serializer.loads(pickle.dumps([1]))
