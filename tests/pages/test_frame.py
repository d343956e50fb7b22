"""What stands around every page: headers, environment, the way round, and pages for what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.template.loader import get_template
from django.test import Client, RequestFactory

from adminsite.metronome import MetronomeSettings
from billing import tasks
from billing.changes.models import ChangeRequest
from billing.mirror.resources.customer.models import Customer
from billing.pages import errors, overview
from billing.users import User
from tests.pages.conftest import PASSWORD, squeezed

TEMPLATES = Path(django_settings.BASE_DIR) / "templates"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
Browser = Callable[[str], Client]
EVERY_TEMPLATE = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
PAGES = ["/", "/customers/", "/plans/", "/audit/", "/system/", "/changes/", "/accounts/password/change/"]


def side(answer: HttpResponse) -> str:
    """The side of a page's frame."""
    page = answer.content.decode()
    return page[page.index('<header class="side">') : page.index("<main")]


def without_tokens(text: str) -> str:
    return TOKEN.sub("", text)


@pytest.mark.parametrize("name", EVERY_TEMPLATE)
def test_a_template_can_be_read_and_carries_nothing_inline(name: str) -> None:
    get_template(name)
    text = (TEMPLATES / name).read_text(encoding="utf-8")

    assert re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:", text) is None
    assert re.search(r"<script(?![^>]*\s(src=|type=\"application/json\"))", text) is None  # data runs nowhere
    assert "<!--" not in text


def test_no_template_opens_the_door_to_markup_from_outside() -> None:
    for name in EVERY_TEMPLATE:
        assert not re.search(r"\|\s*safe\b|autoescape off", (TEMPLATES / name).read_text(encoding="utf-8")), (
            name
        )


@pytest.mark.parametrize("address", PAGES)
def test_nothing_from_elsewhere_may_run_on_a_page(admin: Client, address: str) -> None:
    answer = admin.get(address)

    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("address", [page for page in PAGES if not page.startswith("/accounts/")])
def test_no_cache_keeps_a_page(admin: Client, address: str) -> None:
    assert admin.get(address)["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_one_heading_and_one_place_for_its_content(admin: Client, address: str) -> None:
    page = admin.get(address).content.decode()

    assert page.count("<h1") == 1
    assert page.count("<main ") == 1
    assert '<a class="skip-link" href="#main">' in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize(
    ("environment", "words"),
    [("production", "PRODUCTION"), ("sandbox", "SANDBOX"), ("simulator", "SIMULATOR")],
)
def test_every_page_names_its_environment(
    client: Client, finance: Client, settings: Any, environment: str, words: str
) -> None:
    settings.METRONOME = MetronomeSettings(environment, "", "", 5.0)

    for page in (finance.get("/"), client.get("/accounts/login/"), client.get("/nowhere/")):
        assert f'<body data-environment="{environment}"' in page.content.decode()
        assert f"<strong>{words}</strong>" in page.content.decode()


def test_the_way_round_holds_only_what_the_role_may_open(browser: Callable[[str], Client]) -> None:
    for role, sees_audit in [
        ("finance", False),
        ("manager", True),
        ("auditor", True),
        ("administrator", True),
    ]:
        assert ('href="/audit/"' in browser(role).get("/customers/").content.decode()) is sees_audit


def test_the_side_that_is_kept_is_the_persons_own(people: dict[str, User], browser: Browser) -> None:
    """Two of one name and role share all but their forms' tokens; nothing of anybody else's is shown."""
    namesake = User.objects.create_user(username="namesake", name=people["finance"].name, role="finance")
    browsers = {role: browser(role) for role in people}
    browsers["namesake"] = Client()
    browsers["namesake"].force_login(namesake)
    sides = {name: [side(each.get("/plans/")) for _again in range(2)] for name, each in browsers.items()}

    for role, (first, again) in sides.items():
        assert without_tokens(first) == without_tokens(again)
        names = {person.name for person in people.values() if person.name in first}
        assert names == {people.get(role, namesake).name}
    assert len({without_tokens(first) for first, _again in sides.values()}) == len(people)
    tokens = [token for both in sides.values() for each in both for token in set(TOKEN.findall(each))]
    assert len(tokens) == len(set(tokens)) == 2 * len(sides)


def test_a_form_of_the_side_that_is_kept_is_believed_for_its_own_person_only(people: dict[str, User]) -> None:
    strict = {name: Client(enforce_csrf_checks=True) for name in ("finance", "manager")}
    for name, each in strict.items():
        each.force_login(people[name])
        each.get("/plans/")
    token = {name: TOKEN.findall(side(each.get("/plans/")))[0] for name, each in strict.items()}

    def choose(name: str, whose: str) -> int:
        form = {"theme": "dark", "csrfmiddlewaretoken": token[whose]}
        return strict[name].post("/theme/", form).status_code

    assert choose("finance", "manager") == choose("manager", "finance") == 403
    assert choose("finance", "finance") == choose("manager", "manager") == 302


def test_the_side_follows_a_name_a_role_and_a_count_at_once(people: dict[str, User], finance: Client) -> None:
    assert "Priya Raman" in side(finance.get("/plans/"))
    User.objects.filter(pk=people["finance"].pk).update(name="Priya <b>Rao", role="auditor")
    after = side(finance.get("/plans/"))

    assert "Priya &lt;b&gt;Rao" in after
    assert "Priya Raman" not in after
    assert "/audit/" in after


def test_the_theme_is_kept_and_leads_back(finance: Client) -> None:
    answer = finance.post("/theme/", {"theme": "dark"}, headers={"Referer": "http://testserver/plans/"})

    assert answer["Location"] == "http://testserver/plans/"
    assert '<html lang="en" data-theme="dark">' in finance.get("/plans/").content.decode()
    away = finance.post("/theme/", {"theme": "auto"}, headers={"Referer": "https://evil.example/"})
    assert away["Location"] == "/"
    assert '<html lang="en">' in finance.get("/plans/").content.decode()


def test_an_address_that_leads_nowhere_says_so(client: Client, finance: Client) -> None:
    for answer in (client.get("/nowhere/"), finance.get("/nowhere/")):
        assert answer.status_code == 404
        assert "There is no such page" in answer.content.decode()
    answer = finance.get("/customers/00000000-0000-0000-0000-000000000000/")
    assert "The mirror knows no customer 00000000-0000-0000-0000-000000000000" in answer.content.decode()


def test_a_bad_request_says_so(rf: RequestFactory) -> None:
    answer = errors.bad_request(rf.get("/"), SuspiciousOperation("x"))

    assert answer.status_code == 400
    assert "This request made no sense to us" in answer.content.decode()


def test_a_failure_is_told_without_its_details_and_without_the_database(
    client: Client, people: dict, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(people["finance"])
    client.raise_request_exception = False
    monkeypatch.setattr(overview, "render_page", lambda *args, **kwargs: 1 / 0)

    page = client.get("/")
    part = client.get("/", headers={"HX-Request": "true"})

    assert page.status_code == part.status_code == 500
    assert "Something broke on our side" in page.content.decode()
    assert "this one has changed no customer." in page.content.decode()
    assert "is on record isn’t known here" not in page.content.decode()
    assert page["X-Request-ID"] in page.content.decode()
    assert "ZeroDivisionError" not in page.content.decode()
    assert part["HX-Retarget"] == "#toasts"
    assert part["X-Request-ID"] in part.content.decode()


def test_a_failure_after_a_form_was_sent_claims_nothing_about_it(
    manager: Client, renaming: ChangeRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The approval is on record, and what came after it broke: it will be carried out."""
    manager.raise_request_exception = False
    monkeypatch.setattr(tasks, "nudge", lambda *args, **kwargs: 1 / 0)
    said = {"verdict": "approve", "digest": renaming.digest}

    answer = manager.post(f"/changes/{renaming.reference}/decide/", said)

    page = squeezed(answer.content.decode())
    renaming.refresh_from_db()
    assert (answer.status_code, renaming.status) == (500, "approved")
    assert "Whether what you sent is on record isn’t known here: look before you send it again" in page
    assert "othing was sent" not in page


def test_a_form_without_its_token_is_refused_and_says_what_to_do(people: dict) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["administrator"])

    answer = client.post("/system/freeze/", {"reason": "Month-end close."})

    assert answer.status_code == 403
    assert "This form is from before you signed in" in answer.content.decode()
    assert "Nothing was saved." in answer.content.decode()


def test_htmx_carries_the_token_in_its_header(people: dict, halcyon: Customer) -> None:
    client = Client(enforce_csrf_checks=True)
    client.post("/accounts/login/", {"login": "finance", "password": PASSWORD})
    client.force_login(people["finance"])
    page = client.get("/customers/").content.decode()
    token = re.search(r"""hx-headers='{"X-CSRFToken": "(\w{64})"}'""", page)[1]

    answer = client.post(
        f"/customers/{halcyon.pk}/refresh/", headers={"HX-Request": "true", "X-CSRFToken": token}
    )

    assert answer.status_code == 200
    assert "Waiting for a worker" in answer.content.decode()
