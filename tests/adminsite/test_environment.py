"""The strict readers: a clean value, or a sentence that names the variable."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from adminsite.environment import (
    env_bool,
    env_choice,
    env_float,
    env_int,
    env_list,
    env_secret,
    env_text,
    env_url,
)

HTTP = ("https", "http")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Read NAME as `value` and return the sentence it is refused with."""

    def read(value: str | None, reader: Callable[..., object], *arguments: object, **more: object) -> str:
        monkeypatch.delenv("NAME", raising=False)
        if value is not None:
            monkeypatch.setenv("NAME", value)
        with pytest.raises(ImproperlyConfigured) as problem:
            reader("NAME", *arguments, **more)
        return str(problem.value)

    return read


def test_a_missing_or_empty_variable_takes_the_default(monkeypatch: pytest.MonkeyPatch):
    for value in (None, "", "   "):
        monkeypatch.delenv("NAME", raising=False)
        if value is not None:
            monkeypatch.setenv("NAME", value)
        assert env_text("NAME", "fallback") == "fallback"
        assert env_bool("NAME", True) is True
        assert env_int("NAME", 3, least=1, most=5) == 3
        assert env_float("NAME", 2.5, least=0, most=5) == 2.5
        assert env_list("NAME", "a, b") == ["a", "b"]
        assert env_url("NAME", HTTP, "") == ""
        assert env_choice("NAME", ("a", "b"), "b") == "b"


def test_without_a_default_a_missing_variable_is_named(refused: Callable[..., str]):
    sentence = "NAME is not set, and this process needs it (see .env.example)."
    assert refused(None, env_text) == sentence
    assert refused(" ", env_secret) == sentence
    assert refused(None, env_url, HTTP) == sentence


@pytest.mark.parametrize(
    ("word", "value"), [("1", True), ("Yes", True), ("on", True), ("FALSE", False), ("0", False)]
)
def test_a_flag_is_read_in_any_case(monkeypatch: pytest.MonkeyPatch, word: str, value: bool):
    monkeypatch.setenv("NAME", word)
    assert env_bool("NAME", not value) is value


def test_nonsense_is_refused_with_its_reason(refused: Callable[..., str]):
    assert refused("maybe", env_bool, False) == "NAME must be true or false, not 'maybe'."
    assert refused("3.5", env_int, 1, least=1, most=5) == "NAME must be a whole number, not '3.5'."
    assert refused("6", env_int, 1, least=1, most=5) == "NAME must be between 1 and 5, not 6."
    assert refused("nan", env_float, 1.0, least=0.0, most=5.0) == "NAME must be a number, not 'nan'."
    assert refused("-1", env_float, 1.0, least=0.0, most=5.0) == "NAME must be between 0.0 and 5.0, not -1.0."
    assert refused("a,,b", env_list, "") == "NAME has an empty part between its commas: 'a,,b'."
    assert refused("C", env_choice, ("a", "b")) == "NAME must be one of a, b, not 'C'."
    assert refused("ftp://x", env_url, HTTP) == (
        "NAME must be a URL that starts with https:// or http:// and names a host, not 'ftp://x'."
    )
    assert refused("http://x:port", env_url, HTTP) == "NAME is not a URL, not 'http://x:port'."


def test_a_url_that_may_hold_a_password_is_not_quoted(refused: Callable[..., str]):
    assert refused("mysql://me:hidden@x", env_url, ("redis",), secret=True) == (
        "NAME must be a URL that starts with redis:// and names a host."
    )


def test_a_secret_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "secret").write_text("from the file\n", encoding="utf-8")
    monkeypatch.delenv("NAME", raising=False)
    monkeypatch.setenv("NAME_FILE", str(tmp_path / "secret"))

    assert env_secret("NAME") == "from the file"

    monkeypatch.setenv("NAME", "from here")
    with pytest.raises(ImproperlyConfigured, match="NAME and NAME_FILE are both set; keep one of them"):
        env_secret("NAME")


def test_a_secret_file_that_is_missing_or_empty_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("NAME", raising=False)
    monkeypatch.setenv("NAME_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ImproperlyConfigured, match="NAME_FILE names a file that can't be read"):
        env_secret("NAME", "a default doesn't help")

    (tmp_path / "nowhere").write_text("\n", encoding="utf-8")
    with pytest.raises(ImproperlyConfigured, match="NAME_FILE names an empty file"):
        env_secret("NAME", "a default doesn't help")
