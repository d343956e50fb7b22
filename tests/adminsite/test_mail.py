"""Which process holds the mail server's password, and what half a configuration of mail is told."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from adminsite.mail import MailSettings, read_mail
from local.variables import without_ours

SERVER = "smtp://me:p%40ss@mail.example"
SENDING = {"MAIL_FROM": "a@books.example", "SITE_URL": "https://a.example", "SMTP_URL": SERVER}


def read(monkeypatch: pytest.MonkeyPatch, process: str, **variables: str) -> MailSettings:
    """Read with these variables and no other of ours."""
    import os

    for name in os.environ.keys() - without_ours(os.environ).keys():
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return read_mail(process)


@pytest.mark.parametrize("process", ["web", "worker-refresh", "manage", "build"])
def test_without_a_sender_there_is_no_mail(monkeypatch: pytest.MonkeyPatch, process: str) -> None:
    assert read(monkeypatch, process, SMTP_URL=SERVER) == MailSettings()


@pytest.mark.parametrize("process", ["web", "worker-changes", "worker-checks", "manage", "beat"])
def test_all_know_the_sender_and_none_but_worker_refresh_the_server(
    monkeypatch: pytest.MonkeyPatch, process: str
) -> None:
    assert read(monkeypatch, process, **SENDING) == MailSettings(sender="a@books.example")


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "password", "security"),
    [
        (SERVER, "mail.example", 587, "me", "p@ss", "starttls"),
        ("smtps://me:x@mail.example", "mail.example", 465, "me", "x", "tls"),
        ("smtp://mail.example:25/", "mail.example", 25, "", "", "starttls"),
        ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, "", "", ""),
    ],
)
def test_the_server_is_taken_apart_and_spoken_to_in_secret(
    monkeypatch: pytest.MonkeyPatch, url: str, host: str, port: int, user: str, password: str, security: str
) -> None:
    settings = read(monkeypatch, "worker-refresh", **{**SENDING, "SMTP_URL": url})

    assert settings == MailSettings("a@books.example", host, port, user, password, security)
    assert "x@" not in repr(settings)
    assert "p@ss" not in repr(settings)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"MAIL_FROM": "Countersign <a@books.example>"}, "MAIL_FROM must be one mail address"),
        ({"MAIL_FROM": "a@books.example, b@books.example"}, "MAIL_FROM must be one mail address"),
        ({"SITE_URL": ""}, "SITE_URL is not set, and mail leads people there"),
        ({"SMTP_URL": ""}, "SMTP_URL is not set"),
        ({"SMTP_URL": "https://me:hush@mail.example"}, "SMTP_URL must read smtp://"),
        ({"SMTP_URL": "smtp://me:hush@mail.example/path"}, "SMTP_URL must read smtp://"),
        ({"SMTP_URL": "smtp://me:hush@mail.example:port"}, "SMTP_URL is no address"),
        ({"SMTP_URL": "smtp://me@mail.example"}, "SMTP_URL names a user or a password, but not both"),
    ],
)
def test_half_a_configuration_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence) as problem:
        read(monkeypatch, "worker-refresh", **{**SENDING, **wrong})
    assert "hush" not in str(problem.value)
