"""Access tokens: one's own are made, their secret shown once, and revoked; administrators see all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse

from billing.changes.asking.wording import in_our_words
from billing.clock import now
from billing.pages import nouns
from billing.pages.access import needs, require
from billing.pages.web import actor_of, form_of, go_to, render_page
from billing.people import tokens
from billing.people.tokens import AccessToken, TokenRefused
from billing.roles import Can
from billing.users import User

DAYS = ((30, "30 days"), (90, "90 days"), (tokens.LONGEST_DAYS, "a year"))


def lists() -> dict[str, tuple[str, tuple[Can, ...]]]:
    """Every list that can be taken out: name → its title, and what its reader may do (any of it)."""
    declared = {face.name: (face.title, face.may) for face in nouns.lists_with_pages()}
    return {"requests": ("Requests", (Can.BROWSE,)), **declared}


class TokenForm(forms.Form):
    """What a new token is for, what it reads and how long."""

    name = forms.CharField(
        max_length=60,
        label="What it is for",
        help_text="Such as “month-end archive”. Files that it takes are on record under this name.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    lists = forms.MultipleChoiceField(label="What it reads", widget=forms.CheckboxSelectMultiple)
    days = forms.TypedChoiceField(label="Ends after", choices=DAYS, coerce=int, initial=90)

    def __init__(self, person: User, data: Any = None) -> None:
        super().__init__(data, auto_id="token-%s")
        self.fields["lists"].choices = [
            (name, title) for name, (title, may) in lists().items() if any(person.may(can) for can in may)
        ]
        for field in self.fields.values():
            in_our_words(field)

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("It has a character that can’t be seen: take it out.")
        return name


@needs(Can.BROWSE)
def page(request: HttpRequest) -> HttpResponse:
    """The person's tokens and the form for one more; what is made is answered at once, its secret with it."""
    form = TokenForm(request.user, request.POST if request.method == "POST" else None)
    made, secret, status = None, "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            entered = form.cleaned_data
            try:
                made, secret = tokens.make(
                    request.user, entered["name"], entered["lists"], entered["days"], actor_of(request)
                )
            except TokenRefused as refusal:
                form.add_error(refusal.field or None, str(refusal))
            else:
                form, status = TokenForm(request.user), 201
    return _drawn(request, form, status, made=made, secret=secret)


@needs(Can.BROWSE)
@form_of("billing:tokens")
def revoke(request: HttpRequest) -> HttpResponse:
    """End one of one's own; somebody else's only where the role may."""
    try:
        token = AccessToken.objects.get(pk=UUID(request.POST.get("token", "")))
    except (ValueError, AccessToken.DoesNotExist) as unknown:
        raise Http404("There is no such access token") from unknown
    if token.owner_id != request.user.pk:
        require(request, Can.REVOKE_TOKENS)
    tokens.revoke(token.pk, request.user, actor_of(request))
    return go_to(request, "billing:tokens")


def _drawn(
    request: HttpRequest, form: TokenForm, status: int, *, made: AccessToken | None, secret: str
) -> HttpResponse:
    all_of = AccessToken.objects.select_related("owner", "revoked_by").order_by(
        "-revoked_at", "-made_at", "pk"
    )
    known, at = lists(), now()

    def line(token: AccessToken) -> dict[str, Any]:
        titles = [known[name][0] if name in known else name for name in token.lists]
        return {"token": token, "reads": ", ".join(titles), "is_live": token.is_live(at)}

    others = all_of.exclude(owner=request.user) if request.user.may(Can.REVOKE_TOKENS) else ()
    return render_page(
        request,
        "tokens/page",
        status=status,
        form=form,
        made=made,
        secret=secret,
        mine=[line(token) for token in all_of.filter(owner=request.user)],
        others=[line(token) for token in others],
    )
