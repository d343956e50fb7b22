"""What people are told, as rows: a notice is what they read here, a mail takes several of them out."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class About(models.TextChoices):
    """Why somebody is told. The label begins the mail's subject and stands on the notice."""

    WAITS = "waits", "Waits for you"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    EXPIRED = "expired", "Expired"
    STALE = "stale", "Stale, nothing sent"
    REFUSED = "refused", "Refused by Metronome"
    APPLIED = "applied", "Applied after all"
    CLOSED = "closed", "Closed by a person"
    TAKEN_BACK = "taken_back", "An approval was taken back"
    DISAGREED = "disagreed", "A second person disagreed"
    UNKNOWN = "unknown", "Needs a person"
    LAPSES = "lapses", "Expires within a day"


LOOKS: dict[str, tuple[str, str]] = {
    About.WAITS: ("info", "mark-waiting"),
    About.APPROVED: ("info", "mark-approved"),
    About.REJECTED: ("plain", "mark-rejected"),
    About.EXPIRED: ("plain", "mark-expired"),
    About.STALE: ("warn", "mark-stale"),
    About.REFUSED: ("bad", "mark-refused"),
    About.APPLIED: ("good", "mark-applied"),
    About.CLOSED: ("plain", "mark-archived"),
    About.TAKEN_BACK: ("warn", "mark-withdrawn"),
    About.DISAGREED: ("doubt", "mark-rejected"),
    About.UNKNOWN: ("doubt", "mark-unknown"),
    About.LAPSES: ("warn", "mark-expired"),
}
"""The colour family on pages, and the name of a symbol in static/icons.svg."""


class MailState(models.TextChoices):
    """Where one mail stands."""

    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    NOT_NEEDED = "not_needed", "Not needed any more"
    GIVEN_UP = "given_up", "Not delivered"


UNDER_WAY = [MailState.WAITING, MailState.SENDING]


class Mail(models.Model):
    """One mail to one person: what was tried, when it is tried again, and what the server answered."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mails")
    address = models.EmailField()
    made_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, choices=MailState, default=MailState.WAITING)
    tries = models.SmallIntegerField(default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        app_label = "billing"
        constraints = [
            models.CheckConstraint(
                name="mail_state_is_known", condition=models.Q(state__in=MailState.values)
            ),
            models.CheckConstraint(
                name="what_is_sent_has_its_time",
                condition=models.Q(state=MailState.SENT, sent_at__isnull=False)
                | (~models.Q(state=MailState.SENT) & models.Q(sent_at=None)),
            ),
            models.UniqueConstraint(
                name="one_mail_to_a_person_at_a_time",
                fields=["person"],
                condition=models.Q(state__in=["waiting", "sending"]),
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(state__in=["waiting", "sending"]),
                name="mails_due",
            ),
            models.Index(fields=["person", "-made_at"], name="mails_by_person"),
            models.Index(
                fields=["-made_at"], condition=models.Q(state="given_up"), name="mails_given_up_newest_first"
            ),
        ]

    def __str__(self) -> str:
        return f"mail to {self.address}: {self.get_state_display()}"


class Notice(models.Model):
    """One thing that one person should know about one request, written with the fact that makes it true.

    `key` says once what it is told for, so that whoever tells it again adds nothing. `facts` is a list of
    [label, value] texts as they were then; `path` leads to what it is about, without the host.
    `wants_mail`: whether a mail is to take it out; settled when it is told, so that mail which is set up
    later, or an address that is given later, brings up nothing old.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices")
    about = models.CharField(max_length=10, choices=About)
    reference = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    headline = models.TextField()
    facts = models.JSONField(default=list)
    path = models.CharField(max_length=200)
    told_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True)
    wants_mail = models.BooleanField(default=False)
    mail = models.ForeignKey(Mail, on_delete=models.PROTECT, null=True, related_name="notices")

    class Meta:
        app_label = "billing"
        constraints = [
            models.UniqueConstraint(fields=["person", "key"], name="a_person_is_told_once"),
            models.CheckConstraint(name="what_is_told_is_known", condition=models.Q(about__in=About.values)),
            models.CheckConstraint(
                name="a_notice_leads_to_a_page_of_ours",
                condition=models.Q(path__regex=r"^/([a-zA-Z0-9-]+/)*$"),
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-told_at", "-id"], name="notices_newest_first"),
            models.Index(fields=["person"], condition=models.Q(read_at=None), name="notices_unread"),
            models.Index(fields=["reference", "about"], name="notices_by_reference"),
            models.Index(
                fields=["told_at"],
                condition=models.Q(wants_mail=True, mail=None, read_at=None),
                name="notices_to_mail",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.get_about_display()}"

    @property
    def tone(self) -> str:
        """The colour family of the notice on pages."""
        return LOOKS[self.about][0]

    @property
    def mark(self) -> str:
        """The icon of the notice on pages."""
        return LOOKS[self.about][1]
