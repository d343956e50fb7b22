"""People with mailboxes, and a real mail server that can refuse, stall and be away."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from django.db.models import F

from billing.audit.actors import person
from billing.changes.agreeing import deciding
from billing.changes.models import ChangeRequest, Verdict
from billing.mirror.resources.customer.models import Customer
from billing.notify import mailing
from billing.notify.models import Mail, Notice
from billing.users import User
from tests.pages.conftest import add_customer, add_people, open_house, propose_rename

SENDER = "countersign@books.example"
SITE = "https://countersign.example"


class Mailroom:
    """The mail server's side: what arrived, in order, and what it says to whom."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, bytes]] = []
        self.answers: dict[str, str] = {}
        self.to_data = "250 taken"
        self.greeted = 0
        self.slowness = 0.0

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.greeted += 1
        return responses

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 yes")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        await asyncio.sleep(self.slowness)
        if self.to_data.startswith("250"):
            self.arrived += [(address, envelope.content) for address in envelope.rcpt_tos]
        return self.to_data

    @property
    def letters(self) -> list[EmailMessage]:
        """What arrived, read as mails."""
        return [message_from_bytes(content, policy=policy.default) for _to, content in self.arrived]

    def subjects(self, address: str) -> list[str]:
        """The subjects of what arrived at one address, in order."""
        return [letter["Subject"].strip() for letter in self.letters if letter["To"] == address]

    @property
    def addressees(self) -> list[str]:
        """To whom, by name."""
        return sorted(address for address, _content in self.arrived)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def port(settings: Any) -> int:
    """Where the mail server will listen; the settings know. Nobody does yet."""
    settings.MAIL_FROM, settings.SITE_URL = SENDER, SITE
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    return settings.EMAIL_PORT


@pytest.fixture
def mailroom(port: int) -> Iterator[Mailroom]:
    """A mail server that takes everything."""
    room = Mailroom()
    controller = Controller(room, hostname="127.0.0.1", port=port)
    controller.start()
    yield room
    controller.stop()


@pytest.fixture
def people(transactional_db: None, port: int) -> dict[str, User]:
    """One person of each role and a second manager, each with a mailbox."""
    open_house()
    people = add_people()
    people["manager2"] = User.objects.create_user(
        username="manager2", password="countersign-demo", name="Max Manager", role="manager"
    )
    for name, each in people.items():
        each.email = f"{name}@books.example"
        each.save(update_fields=["email"])
    return people


@pytest.fixture
def customer(people: dict[str, User]) -> Customer:
    return add_customer("Halcyon Freight GmbH")


@pytest.fixture
def renaming(people: dict[str, User], customer: Customer) -> ChangeRequest:
    """Finance's request to rename the customer, waiting for a manager."""
    return propose_rename(customer, people["finance"], "Halcyon Logistics GmbH")


def decide(change: ChangeRequest, checker: User, verdict: Verdict = Verdict.APPROVE) -> ChangeRequest:
    return deciding.decide(
        change.pk,
        actor=person(checker),
        verdict=verdict,
        reason="Checked against the contract.",
        digest=change.digest,
    )


def told(user: User) -> list[tuple[str, bool]]:
    """What a person was told of, the oldest first, and whether it counts as read."""
    rows = Notice.objects.filter(person=user).order_by("pk").values_list("about", "read_at")
    return [(about, read_at is not None) for about, read_at in rows]


def pass_time(**time: float) -> None:
    """Everything that was told and mailed happened so much earlier."""
    ago = timedelta(**time)
    Notice.objects.update(told_at=F("told_at") - ago)
    Mail.objects.update(made_at=F("made_at") - ago, next_try_at=F("next_try_at") - ago)


def a_round() -> int:
    """What the worker does every half minute; how many mails went out."""
    mailing.gather()
    return mailing.deliver()
