"""What a mail says: the facts and the way in, in plain text that nobody's name can bend."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from django.db import IntegrityError

from billing.changes.models import ChangeRequest
from billing.notify import queries
from billing.notify.models import Mail, Notice
from billing.users import User
from tests.notify.conftest import SENDER, SITE, Mailroom, a_round, pass_time

PASSWORD = "a-password-of-the-mail-server"


def text_of(letter: EmailMessage) -> str:
    """The text of a mail, its lines ended as ours are."""
    return letter.get_content().replace("\r\n", "\n")


def test_a_mail_holds_the_facts_and_the_way_in(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    User.objects.filter(pk=people["manager2"].pk).update(email="")
    pass_time(minutes=1)
    a_round()

    [letter] = mailroom.letters
    mail = Mail.objects.get()
    assert (letter["From"], letter["To"]) == (SENDER, "manager@books.example")
    assert letter["Message-ID"] == f"<{mail.uuid}@books.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content_type() == "text/plain"
    assert text_of(letter) == (
        f"Waits for you: {renaming.reference} {renaming.sentence}\n"
        f"{SITE}/changes/{renaming.reference}/\n"
        f"Request: {renaming.reference}\n"
        f"What: {renaming.sentence}\n"
        "Customer: Halcyon Freight GmbH\n"
        "Proposed by: Priya Raman\n"
        "Status: Waiting for approval\n"
        f"Expires: {renaming.expires_at:%Y-%m-%d %H:%M} UTC\n"
        "\n"
        "Everything is done in Countersign; an answer to this mail reaches nobody.\n"
    )


NASTY = "Halcyon\r\nBcc: eve@evil.example\n\nStatus: Approved\u2028https://evil.example/\x0b\x85x"


def test_no_name_adds_a_header_a_line_or_an_addressee(mailroom: Mailroom, people: dict[str, User]) -> None:
    for number in range(2):
        Notice.objects.create(
            person=people["auditor"],
            about="waits",
            key=f"k{number}",
            reference="CR-000001",
            headline=NASTY,
            facts=[["Customer", NASTY], ["What", "ordinary"]],
            path="/changes/CR-000001/",
            wants_mail=True,
        )
    pass_time(minutes=1)
    a_round()

    assert mailroom.addressees == ["auditor@books.example"]
    [letter] = mailroom.letters
    assert sorted(letter.keys()) == [
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ]
    flat = "Halcyon Bcc: eve@evil.example Status: Approved https://evil.example/ x"
    lines = letter.get_content().splitlines()
    assert [line for line in lines if "evil" in line] == [
        f"1. Waits for you: CR-000001 {flat}",
        f"Customer: {flat}",
        f"2. Waits for you: CR-000001 {flat}",
        f"Customer: {flat}",
    ]


def test_a_name_without_end_is_cut_in_the_mail(mailroom: Mailroom, people: dict[str, User]) -> None:
    Notice.objects.create(
        person=people["auditor"],
        about="waits",
        key="k",
        reference="CR-000001",
        headline="x" * 10_000,
        facts=[["Customer", "é" * 10_000]],
        path="/changes/CR-000001/",
        wants_mail=True,
    )
    pass_time(minutes=1)
    a_round()

    [letter] = mailroom.letters
    assert letter["Subject"].strip() == ("Waits for you: CR-000001 " + "x" * 150)[:149] + "…"
    assert f"Customer: {'é' * 499}…\n" in text_of(letter)


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "/a?b", "/a b/", "", "x/"])
def test_a_notice_leads_to_a_page_of_ours_alone(people: dict[str, User], path: str) -> None:
    with pytest.raises(IntegrityError, match="a_notice_leads_to_a_page_of_ours"):
        Notice.objects.create(
            person=people["auditor"], about="waits", key="k", reference="CR-1", headline="x", path=path
        )


@pytest.mark.filterwarnings(
    "ignore::UserWarning", "ignore::DeprecationWarning"
)  # it asks without TLS, on purpose
def test_no_secret_is_in_a_mail_and_a_wrong_password_is_told_without_it(
    port: int, renaming: ChangeRequest, people: dict[str, User], settings: Any
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "countersign", "wrong-" + PASSWORD
    room = Mailroom()

    def judge(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    controller = Controller(
        room,
        hostname="127.0.0.1",
        port=port,
        authenticator=judge,
        auth_required=True,
        auth_require_tls=False,
        auth_exclude_mechanism=["LOGIN"],
    )
    controller.start()
    try:
        pass_time(minutes=1)
        assert a_round() == 0
        assert queries.post().trouble.startswith("535 5.7.8")
        assert PASSWORD not in str(list(Mail.objects.values()))
        assert Mail.objects.filter(state="waiting", tries=0).count() == 2

        settings.EMAIL_HOST_PASSWORD = PASSWORD
        pass_time(minutes=1)
        assert a_round() == 2
    finally:
        controller.stop()
    sent = b"".join(content for _to, content in room.arrived).decode()
    for secret in (
        PASSWORD,
        renaming.digest,
        str(renaming.uuid),
        people["manager"].password,
        settings.SECRET_KEY,
    ):
        assert secret not in sent
