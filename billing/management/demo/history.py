"""Sixty days of a finance team's work, the same every time: requests in every status, sign-ins, exports."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes import telling
from billing.changes.asking.basis import Basis
from billing.changes.asking.example import NothingSuch
from billing.changes.asking.kinds import KINDS, Kind
from billing.changes.asking.proposal import Proposal
from billing.changes.models import AttemptOutcome, ChangeRequest
from billing.changes.moves import database_now
from billing.changes.statuses import Status
from billing.management.demo.story import Story
from billing.management.demo.world import MirroredWorld
from billing.metronome.account import Gateway
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.roles import Can
from billing.users import User

DAYS = 60
REASONS = {
    "customer.rename": [
        "Legal name changed, see the commercial register.",
        "Typing error at sign-up.",
        "Customer asked by e-mail, ticket FIN-2231.",
        "The group trades under this name since the merger.",
    ],
    "customer.realias": [
        "New data centre goes live this week.",
        "Their product sends usage under this key now.",
        "Customer asked by e-mail, ticket FIN-2244.",
        "Agreed in the quarterly review.",
    ],
}
REJECTIONS = [
    "This is not what was agreed.",
    "Please attach what this rests on first.",
    "Not before the quarter is closed.",
]


def _of(customer: dict[str, Any], **more: Any) -> Basis:
    return Basis.of("customer", customer, **more)


def _asked_by_finance() -> list[Kind]:
    """The kinds that finance and managers ask for; of people's rights the demo tells nothing."""
    return [kind for kind in KINDS.values() if kind.asked_by == Can.PROPOSE]


class History:
    """Tells stories over the mirrored customers. Those of the past end as the mirror shows them now."""

    def __init__(self, people: dict[str, User], gateway: Gateway) -> None:
        self.people, self.gateway = people, gateway
        self.dice = random.Random(7)  # noqa: S311 the same history every time is the point
        self.now = database_now()
        self.events: list[AuditEvent] = []
        usable = Customer.objects.filter(
            Exists(IngestAlias.objects.filter(customer=OuterRef("pk"))),
            archived_at__isnull=True,
            missing_since__isnull=True,
        )
        ids = list(usable.order_by("created_at", "id").values_list("pk", flat=True)[14:400])
        self.dice.shuffle(ids)
        self.world = MirroredWorld(gateway, ids)

    @transaction.atomic
    def tell(self) -> int:
        """Write everything; how many requests there are."""
        self._past()
        self._open()
        self._everyday()
        self.events.sort(key=lambda event: event.occurred_at)
        AuditEvent.objects.bulk_create(self.events)
        for change in ChangeRequest.objects.filter(status=Status.SUBMITTED).order_by("submitted_at", "pk"):
            telling.submitted(change)
        return sum(event.event_type == Event.CHANGE_SUBMITTED for event in self.events)

    def _snapshot(self) -> dict[str, Any]:
        return self.world.customer("ingest_aliases").state

    def _rename(self, *, happened: bool) -> Proposal:
        now = self._snapshot()
        old = f"{now['name'][:100]} (old)" if happened else now["name"]
        new = now["name"] if happened else f"{now['name'][:120]} Holding"
        return KINDS["customer.rename"].build({"name": new}, _of({**now, "name": old}))

    def _realias(self, *, happened: bool, removes: bool = False, customer_id: str | None = None) -> Proposal:
        now = mirror.snapshot(customer_id) if customer_id else self._snapshot()
        held = now["ingest_aliases"]
        extra = f"{now['id'][:8]}-{self.dice.choice(['eu', 'us', 'ap'])}"
        if removes:
            before, wanted = ([*held, extra], held) if happened else (held, [extra])
        else:
            before, wanted = ([], held) if happened else (held, [*held, extra])
        return KINDS["customer.realias"].build(
            {"ingest_aliases": sorted(wanted)}, _of({**now, "ingest_aliases": sorted(before)})
        )

    def _overtaken(self) -> Proposal:
        """A renaming after which somebody gave the customer a third name: the one it has now."""
        now = self._snapshot()
        old, new = f"{now['name'][:100]} (old)", f"{now['name'][:120]} Holding"
        return KINDS["customer.rename"].build({"name": new}, _of({**now, "name": old}))

    def _example(self, kind: Kind, **how: Any) -> Story | None:
        """What a person would ask for of a kind; None where no customer has what that needs."""
        try:
            example = kind.example(self.world)
        except NothingSuch:
            return None
        return self._story(kind.as_entered(example), reason=example.reason, **how)

    def _archive(self, ids: Iterable[UUID], former_alias: str) -> Proposal:
        """Archive the first of these that has business, with an alias that it held until now."""
        basis = MirroredWorld(self.gateway, ids).surveyed("contracts", "invoices")
        aliases = {"ingest_aliases": [former_alias]}
        survey = {**basis.survey, "customer": {**basis.survey["customer"], **aliases}}
        entered = {"clear_aliases": True, "open_business_reason": "The group contract replaces it."}
        return KINDS["customer.archive"].build(entered, _of({**basis.state, **aliases}, survey=survey))

    def _story(self, proposal: Proposal, *, days_ago: float, maker: str = "", reason: str = "") -> Story:
        maker = maker or self.dice.choice(["finance", "finance", "finance2"])
        return Story(
            proposal,
            maker=self.people[maker],
            reason=reason or self.dice.choice(REASONS[proposal.kind]),
            at=self.now - timedelta(days=days_ago),
        )

    def _checkers(self, story: Story) -> list[User]:
        managers = [self.people["manager"], self.people["manager2"]]
        self.dice.shuffle(managers)
        return managers[: story.change.steps.get().people]

    def _keep(self, story: Story) -> None:
        self.events += story.events

    def _past(self) -> None:
        worker, kinds = None, cycle(_asked_by_finance())
        for number in range(84):
            days_ago = DAYS - number * (DAYS - 1.5) / 84 + self.dice.random() / 2
            removes = number % 9 == 4
            end = ("applied",) * 8 + ("rejected", "withdrawn", "stale", "refused", "applied", "expired")
            fate = end[number % len(end)]
            happened = fate == "applied"
            renames = fate == "stale" or (number % 3 and fate != "refused")  # what its end tells of
            days_ago, story = max(days_ago, 16) if fate == "expired" else days_ago, None
            if fate in ("rejected", "withdrawn", "expired"):  # nothing came of it: any kind will do
                story = self._example(next(kinds), days_ago=days_ago)
            if story is None:
                proposal = (
                    self._rename(happened=happened)
                    if renames
                    else self._realias(happened=happened, removes=removes and fate != "refused")
                )
                story = self._story(proposal, days_ago=days_ago)
            if fate == "rejected":
                story.reject(self._checkers(story)[0], self.dice.choice(REJECTIONS))
            elif fate == "withdrawn":
                story.wait(hours=1).end(
                    Status.WITHDRAWN,
                    Event.CHANGE_WITHDRAWN,
                    story.change.maker,
                    reason="Proposed too early: this is not agreed yet.",
                )
            elif fate == "expired":
                story.wait(days=14).end(
                    Status.EXPIRED, Event.CHANGE_EXPIRED, worker, explanation="Nobody decided in time."
                )
            else:
                story.approve(*self._checkers(story), after=timedelta(hours=self.dice.uniform(0.2, 6)))
                if fate == "applied":
                    story.send(AttemptOutcome.APPLIED).end(Status.APPLIED, Event.CHANGE_APPLIED, worker)
                elif fate == "refused":
                    words = "Ingest alias is already in use by another customer"
                    story.send(AttemptOutcome.REFUSED, words, status=409).end(
                        Status.REFUSED, Event.CHANGE_REFUSED, worker, explanation=words
                    )
                else:
                    story.end(
                        Status.STALE,
                        Event.CHANGE_STALED,
                        worker,
                        explanation="The name changed in Metronome before the worker’s turn.",
                    )
            self._keep(story)

    def _open(self) -> None:
        """What waits today. Each of these is a real proposal: approving it works, end to end."""
        manager, manager2 = self.people["manager"], self.people["manager2"]
        for number, kind in enumerate(_asked_by_finance()):
            if story := self._example(kind, days_ago=0.3 + number / 8):
                self._keep(story)
        self._keep(self._story(self._rename(happened=False), days_ago=0.9, maker="manager"))
        self._keep(self._story(self._rename(happened=False), days_ago=0.5, maker="manager2"))
        self._keep(self._story(self._realias(happened=False, removes=True), days_ago=1.1).approve(manager))
        self._keep(self._story(self._realias(happened=False, removes=True), days_ago=0.7).approve(manager2))
        applying = self._story(self._rename(happened=False), days_ago=0.2).approve(manager2)
        applying.move(
            Status.APPLYING, claim_token=applying.change.uuid, lease_until=self.now + timedelta(seconds=30)
        )
        self._keep(applying)
        doubtful = self._unknown()
        waiting = self._realias(happened=False, customer_id=doubtful)
        self._keep(self._story(waiting, days_ago=0.4).approve(manager))  # until the doubt is settled
        self._partly()
        self._blocked()
        self._closed()

    def _unknown(self) -> str:
        """A renaming that nobody can tell the outcome of; the id of its customer."""
        proposal = self._overtaken()
        story = self._story(proposal, days_ago=0.8).approve(self.people["manager"])
        story.send(AttemptOutcome.UNKNOWN, "No answer came: no whole answer within 30 s.", status=None)
        live = proposal.subject_text.removesuffix(" (old)")
        sentence = f"The name is “{live}”, neither the old one nor ours."
        story.end(Status.UNKNOWN, Event.CHANGE_DOUBTED, None, explanation="No answer came within 30 s.")
        story.look("cannot_tell", sentence, {"name": live})
        story.move(
            Status.UNKNOWN,
            needs_person=True,
            explanation=sentence,
            next_try_at=self.now + timedelta(days=365),
        )
        self._keep(story)
        return proposal.customer_id

    def _partly(self) -> None:
        bare = Customer.objects.filter(archived_at__isnull=True, missing_since__isnull=True, aliases=None)
        ids = bare.order_by("created_at", "id").values_list("pk", flat=True)
        story = self._story(
            self._archive(ids, "harbour-legacy-eu"),
            days_ago=1.7,
            reason="The group contract replaces it, FN-2214.",
        )
        story.approve(self.people["manager"], self.people["manager2"])
        words = "Customer has an invoice that is being finalized"
        story.send(AttemptOutcome.APPLIED).send(AttemptOutcome.REFUSED, words, position=2, status=400)
        story.end(
            Status.PARTLY_APPLIED,
            Event.CHANGE_PARTLY_APPLIED,
            None,
            explanation=f"Call 2 was refused by Metronome: {words}",
            needs_person=True,
        )
        self._keep(story)

    def _blocked(self) -> None:
        """Somebody with the rights of the database's owner has touched a row of it; two people close it."""
        story = self._story(self._rename(happened=False), days_ago=2.6).approve(self.people["manager2"])
        story.end(
            Status.BLOCKED,
            Event.CHANGE_BLOCKED,
            None,
            explanation="This is not what was approved: its steps are not the sealed ones. It is not sent.",
            needs_person=True,
        )
        self._keep(story)

    def _closed(self) -> None:
        story = self._story(self._overtaken(), days_ago=9).approve(self.people["manager2"])
        story.send(AttemptOutcome.UNKNOWN, "Metronome answered 502.", status=502)
        story.end(Status.UNKNOWN, Event.CHANGE_DOUBTED, None, explanation="Metronome answered 502.")
        story.look(
            "cannot_tell",
            "The name is neither the old one nor ours.",
            {"name": story.change.subject_text.removesuffix(" (old)")},
        )
        story.wait(hours=2).end(
            Status.CLOSED,
            Event.CHANGE_CLOSED,
            self.people["admin"],
            reason="The customer renamed itself meanwhile; nothing is left to do.",
            explanation="Leave it so, decided by Noor Haddad.",
        )
        self._keep(story)

    def _everyday(self) -> None:
        """People come, look, take the record away."""
        for day in range(DAYS, 0, -1):
            for person in self.people.values():
                if self.dice.random() < 0.55:
                    at = self._moment(day)
                    self._event(Event.PERSON_SIGNED_IN, person, at, "person", str(person.pk), person.name)
            if day % 7 == 0:
                auditor = self.people["auditor"]
                self._event(
                    Event.AUDIT_EXPORTED, auditor, self._moment(day), "audit", "export", "Audit record"
                )

    def _moment(self, days_ago: int) -> datetime:
        return self.now - timedelta(days=days_ago, minutes=self.dice.randint(-240, 240))

    def _event(self, event: Event, person: User, at: datetime, kind: str, key: str, text: str) -> None:
        self.events.append(
            AuditEvent(
                occurred_at=min(at, self.now),
                event_type=event,
                actor=person,
                actor_text=person.name,
                actor_role=person.role,
                subject_type=kind,
                subject_id=key,
                subject_text=text,
                ip="10.20.0.14",
                user_agent="Mozilla/5.0 (demo)",
            )
        )
