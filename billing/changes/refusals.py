"""Why an action on a change request was refused. Each leaves everything as it was."""

from __future__ import annotations


class ActionRefused(Exception):
    """Nothing changed. `message` is for the person who tried; `status` is the page's HTTP status."""

    status = 409
    reference = ""
    """The request that stood in the way, where it isn't the one that was asked about."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAllowed(ActionRefused):
    """This person may not do this, whatever the state."""

    status = 403


class WrongState(ActionRefused):
    """The request is no longer, or not yet, where this can be done."""


class NotWhatYouSaw(ActionRefused):
    """The digest that was posted is not the request's."""


class SubjectBusy(ActionRefused):
    """Another open request already writes to the same thing."""

    def __init__(self, reference: str, what: str) -> None:
        super().__init__(
            f"{reference} is open and already changes {what}. Wait until it is settled, or have it withdrawn."
        )
        self.reference = reference


class BadInput(ActionRefused):
    """What was entered can't be sealed; `field` names the form field, or is empty."""

    status = 422

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field
