"""The small world that examples are asked over: mirrored customers, read live where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import NothingSuch
from billing.changes.asking.survey import read_survey
from billing.metronome.account import Gateway
from billing.mirror.resources.customer import queries as mirror
from billing.roles import Role
from billing.users import User

MOST_TRIED = 60
"""So many customers are looked at before it is said that none fits."""


class MirroredWorld:
    """Gives each of these customers once, the first that fits."""

    def __init__(self, gateway: Gateway, ids: Iterable[UUID]) -> None:
        self.gateway, self.ids = gateway, list(ids)

    def customer(self, *having: str) -> Basis:
        """One as it is mirrored; having: fields of its state that hold something. Raises NothingSuch."""
        return self._first(having, is_surveyed=False)

    def surveyed(self, *having: str) -> Basis:
        """One that was read live, too; having: fields of its state or its survey. Raises NothingSuch."""
        return self._first(having, is_surveyed=True)

    def person(self, *, may_come_in: bool) -> User:
        """Somebody of finance. Raises NothingSuch."""
        found = User.objects.filter(role=Role.FINANCE, is_active=may_come_in).order_by("pk").last()
        if found is None:
            raise NothingSuch(f"nobody of finance may {'' if may_come_in else 'not '}come in")
        return found

    def _first(self, having: tuple[str, ...], *, is_surveyed: bool) -> Basis:
        for customer_id in self.ids[:MOST_TRIED]:
            state = mirror.snapshot(customer_id)
            survey = read_survey(self.gateway, str(customer_id)) if is_surveyed and state else None
            if state is None or (is_surveyed and survey is None):
                continue
            if all({**(survey or {}), **state}[name] for name in having):
                self.ids.remove(customer_id)
                return Basis.of("customer", state, survey=survey)
        raise NothingSuch(f"none of {len(self.ids)} customers has {' and '.join(having) or 'a record'}")
