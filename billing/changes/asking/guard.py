"""What a guard is: a question that Metronome is asked right before a call, each time that it is sent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from billing.metronome.account import Gateway


class Guarding(ABC):
    """One kind of guard. `name` is how sealed calls name it: a claim that must hold."""

    name: ClassVar[str]

    @abstractmethod
    def broken(
        self, gateway: Gateway, values: Sequence[str], *, own_id: str | None, most_requests: int | None
    ) -> list[str]:
        """Why it does not hold, in sentences for people; empty when it does.

        own_id: whose they may be already. most_requests: only an early check sets it, and then an empty
        answer proves nothing. Raises GatewayError when Metronome can't be read.
        """
