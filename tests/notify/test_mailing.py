"""Mail goes out once, through a real server, however the server and the workers fare meanwhile."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection, transaction

from billing.changes.models import ChangeRequest
from billing.mirror.resources.customer.models import Customer
from billing.notify import mailing, queries
from billing.notify.models import Mail, Notice
from billing.users import User
from tests.notify.conftest import Mailroom, a_round, decide, pass_time
from tests.pages.conftest import add_customer, propose_rename

MANAGERS = ["manager2@books.example", "manager@books.example"]


def states() -> list[tuple[str, str, int]]:
    return [(mail.address, mail.state, mail.tries) for mail in Mail.objects.order_by("address", "pk")]


def test_a_notice_is_mailed_once_a_minute_after_it_was_told(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    assert a_round() == 0
    pass_time(minutes=1)

    assert [a_round(), a_round()] == [2, 0]

    assert mailroom.addressees == MANAGERS
    assert mailroom.greeted == 1
    assert states() == [(address, "sent", 1) for address in MANAGERS]
    assert {mail.sent_at is None for mail in Mail.objects.all()} == {False}


def test_who_has_no_address_and_who_is_told_before_mail_is_set_up_gets_none(
    people: dict[str, User], customer: Customer, settings: Any, mailroom: Mailroom
) -> None:
    settings.MAIL_FROM = ""
    first = propose_rename(customer, people["finance"], "Halcyon Logistics GmbH")
    decide(first, people["manager"])
    settings.MAIL_FROM = "countersign@books.example"
    User.objects.filter(pk=people["manager"].pk).update(email="")
    propose_rename(add_customer("Other"), people["finance"], "Another")
    User.objects.filter(pk=people["manager"].pk).update(email="manager@books.example")
    pass_time(minutes=1)

    a_round()

    assert mailroom.addressees == ["manager2@books.example"]
    assert Notice.objects.filter(person=people["manager"]).count() == 2


def test_what_is_settled_within_the_minute_is_mailed_to_nobody(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    decide(renaming, people["manager"])
    pass_time(minutes=1)

    a_round()

    assert mailroom.addressees == ["finance@books.example"]


def test_many_notices_go_in_one_mail_and_the_next_comes_five_minutes_later(
    mailroom: Mailroom, people: dict[str, User]
) -> None:
    first = [propose_rename(add_customer(f"Customer {n}"), people["finance"], f"New {n}") for n in range(3)]
    pass_time(minutes=1)
    a_round()
    later = propose_rename(add_customer("Customer 3"), people["finance"], "New 3")
    pass_time(minutes=1)
    assert a_round() == 0
    pass_time(minutes=4)

    assert a_round() == 2

    assert mailroom.addressees == sorted(MANAGERS * 2)
    assert mailroom.subjects("manager@books.example") == [
        f"3 notices, the first: Waits for you: {first[0].reference} {first[0].sentence}",
        f"Waits for you: {later.reference} {later.sentence}",
    ]
    text = mailroom.letters[0].get_content()
    assert [change.reference for change in first if f"/changes/{change.reference}/" in text] == [
        change.reference for change in first
    ]


def test_fifty_notices_fill_a_mail_and_the_rest_comes_with_the_next(
    mailroom: Mailroom, people: dict[str, User]
) -> None:
    Notice.objects.bulk_create(
        Notice(
            person=people["auditor"],
            about="waits",
            key=f"k{number}",
            reference=f"CR-{number:06d}",
            headline="Something",
            path=f"/changes/CR-{number:06d}/",
            wants_mail=True,
        )
        for number in range(51)
    )
    pass_time(minutes=1)
    a_round()
    pass_time(minutes=5)
    a_round()

    assert mailroom.subjects("auditor@books.example") == [
        "50 notices, the first: Waits for you: CR-000000 Something",
        "Waits for you: CR-000050 Something",
    ]


def test_two_workers_send_each_mail_once(
    mailroom: Mailroom, people: dict[str, User], renaming: ChangeRequest
) -> None:
    mailroom.slowness = 0.1
    pass_time(minutes=1)
    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        try:
            a_round()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _each in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert mailroom.addressees == MANAGERS
    assert states() == [(address, "sent", 1) for address in MANAGERS]


def test_a_server_that_is_down_for_an_hour_loses_nothing_and_counts_as_no_try(
    port: int, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    pass_time(minutes=1)
    for _half_minute in range(120):
        assert a_round() == 0
        pass_time(seconds=30)
    assert states() == [(address, "waiting", 0) for address in MANAGERS]
    post = queries.post()
    assert (post.waiting, post.given_up) == (2, [])
    assert post.trouble.endswith("Connection refused")
    propose_rename(add_customer("Other"), people["finance"], "Another")  # waits for the mail before it

    room = Mailroom()
    controller = Controller(room, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        pass_time(minutes=1)
        assert a_round() == 2
    finally:
        controller.stop()

    assert room.addressees == MANAGERS
    assert queries.post() == queries.Post(0, None, "", [])


def test_a_mail_that_is_not_taken_keeps_no_other_from_its_try(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    mailroom.to_data = "451 come back later"
    pass_time(minutes=1)

    a_round()

    assert mailroom.arrived == []
    assert states() == [(address, "waiting", 1) for address in MANAGERS]
    assert mailroom.greeted == 2


def test_what_is_not_taken_is_tried_seven_times_ever_more_rarely_then_given_up(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    mailroom.answers["manager@books.example"] = "450 4.2.0 greylisted"
    pass_time(minutes=1)
    a_round()
    for tries, minutes in enumerate((1, 5, 15, 60, 240, 720), 1):
        mail = Mail.objects.get(address="manager@books.example")
        assert (mail.state, mail.tries, mail.error) == ("waiting", tries, "450 4.2.0 greylisted")
        pass_time(minutes=minutes - 0.5)
        a_round()
        mail.refresh_from_db()
        assert mail.tries == tries
        pass_time(minutes=0.5)
        a_round()

    mail.refresh_from_db()
    assert (mail.state, mail.tries) == ("given_up", 7)
    assert mailroom.addressees == ["manager2@books.example"]
    pass_time(days=2)
    assert a_round() == 0


def test_a_refused_address_is_given_up_at_once_and_rests_for_a_day_unless_it_changes(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    mailroom.answers["manager@books.example"] = "550 5.1.1 no such mailbox"
    pass_time(minutes=1)
    a_round()
    assert states() == [("manager2@books.example", "sent", 1), ("manager@books.example", "given_up", 1)]
    assert queries.undelivered(people["manager"]).error == "550 5.1.1 no such mailbox"
    assert queries.undelivered(people["manager2"]) is None
    assert [mail.person for mail in queries.post().given_up] == [people["manager"]]

    propose_rename(add_customer("Other"), people["finance"], "Another")
    pass_time(minutes=10)
    a_round()
    assert mailroom.addressees == ["manager2@books.example"] * 2

    User.objects.filter(pk=people["manager"].pk).update(email="ingrid@books.example")
    a_round()
    assert mailroom.addressees == ["ingrid@books.example", *["manager2@books.example"] * 2]
    assert queries.undelivered(people["manager"]) is None


def test_a_server_that_refuses_us_as_sender_costs_no_mail(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_arguments: Any) -> str:
        return "550 5.7.1 not from you"

    monkeypatch.setattr(Mailroom, "handle_MAIL", refuse, raising=False)
    pass_time(minutes=1)

    for _each in range(10):
        assert a_round() == 0
        pass_time(minutes=1)

    assert states() == [(address, "waiting", 0) for address in MANAGERS]
    assert queries.post().trouble == "550 5.7.1 not from you"


def test_a_mail_that_waited_is_not_sent_once_everything_in_it_is_settled(
    port: int, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    pass_time(minutes=1)
    a_round()
    decide(renaming, people["manager"])
    pass_time(minutes=1)
    room = Mailroom()
    controller = Controller(room, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        a_round()
    finally:
        controller.stop()

    assert room.addressees == ["finance@books.example"]
    assert states() == [
        ("finance@books.example", "sent", 1),
        *[(address, "not_needed", 1) for address in MANAGERS],
    ]


def test_who_left_meanwhile_gets_no_mail(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    pass_time(minutes=1)
    mailing.gather()
    User.objects.filter(pk=people["manager"].pk).update(is_active=False)

    mailing.deliver()

    assert mailroom.addressees == ["manager2@books.example"]


def test_no_mail_is_sent_while_a_transaction_is_open(
    mailroom: Mailroom, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    pass_time(minutes=1)
    mailing.gather()

    with pytest.raises(mailing.InTransaction), transaction.atomic():
        mailing.deliver()

    assert mailroom.arrived == []
    assert states() == [(address, "waiting", 0) for address in MANAGERS]
