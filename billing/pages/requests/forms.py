"""What people enter about a request. A form keeps what was typed; the actions judge it again."""

from __future__ import annotations

from django import forms

from billing.changes.asking.wording import in_our_words
from billing.changes.models import SAYS, Word
from billing.changes.typed import ReasonField

SAY_WHY = {"required": "Say why. The reason is kept in the audit record."}


class RequestForm(forms.Form):
    """A form about one request. `place` begins the ids of its fields, since a page may hold several."""

    place = ""

    def __init__(self, data: object = None, **kwargs: object) -> None:
        super().__init__(data, auto_id=f"{self.place}-%s" if self.place else "%s", **kwargs)
        for field in self.fields.values():
            in_our_words(field)


class DecideForm(RequestForm):
    """A checker's verdict on what was on the page, by its digest. A rejection needs its reason."""

    verdict = forms.ChoiceField(
        choices=[(verdict.value, verdict.label) for verdict in SAYS],
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose to approve or to reject."),
    )
    digest = forms.CharField(required=False, widget=forms.HiddenInput)
    reason = ReasonField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "aria-keyshortcuts": "r"}),
        help_text="Kept for ever in the audit record. Write what you checked.",
    )
    typed = forms.CharField(
        required=False,
        strip=False,
        label="To approve, type the customer’s name as it stands here",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "spellcheck": "false",
                "aria-describedby": "typed-help",
                "aria-keyshortcuts": "a",
            }
        ),
    )


class BatchForm(RequestForm):
    """One verdict on several requests, with one reason for all."""

    place = "batch"
    verdict = forms.ChoiceField(
        choices=[(verdict.value, verdict.label) for verdict in SAYS],
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose to approve or to reject."),
    )
    reason = ReasonField(required=False, widget=forms.TextInput(attrs={"aria-keyshortcuts": "r"}))


class WithdrawForm(RequestForm):
    """The maker's reason for taking a request back."""

    place = "withdraw"
    reason = ReasonField(error_messages=SAY_WHY, widget=forms.Textarea(attrs={"rows": 3}))


class TakeBackForm(RequestForm):
    """A checker's reason for taking their own approval back."""

    place = "take-back"
    reason = ReasonField(error_messages=SAY_WHY, widget=forms.Textarea(attrs={"rows": 3}))


class ResolveForm(RequestForm):
    """A person's word on what the worker could not settle."""

    place = "resolve"
    verdict = forms.ChoiceField(
        label="What became of it",
        choices=Word.choices,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose what became of it."),
    )
    made_id = forms.CharField(
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = ReasonField(
        error_messages=SAY_WHY,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept for ever in the audit record. Write where you looked and what you saw.",
    )


class SecondForm(RequestForm):
    """The second person's reason to agree to a waiting word, or to disagree."""

    place = "second"
    reason = ReasonField(error_messages=SAY_WHY, widget=forms.Textarea(attrs={"rows": 3}))
