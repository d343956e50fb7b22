"""Coming in, in a real browser: an authenticator app, and a passkey in a software authenticator."""

from __future__ import annotations

import re

from billing.people import factors
from billing.users import User
from tests.journeys.conftest import PASSWORD, Live
from tests.pages.test_factors import code_of

KEY_IN_THE_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_an_authenticator_app_is_set_up_and_then_asked_for(live: Live, checker: User) -> None:
    page = live.page(checker)
    page.goto("/account/")
    page.get_by_role("link", name="Set up").click()
    secret = page.locator(".id-line code").inner_text()
    page.get_by_role("textbox", name="Code").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    code = page.locator(".codes code").first.inner_text()
    assert re.fullmatch(r"\d{8}", code)

    again = live.browser.new_context(base_url=live.url).new_page()
    again.goto("/accounts/login/")
    again.get_by_label("Name").fill(checker.username)
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Sign in").click()
    again.get_by_role("heading", name="Second step").wait_for()
    again.get_by_label("Code from your authenticator app").fill(code)
    again.get_by_role("button", name="Sign in with the code").click()
    again.wait_for_url(f"{live.url}/")


def test_a_passkey_signs_its_owner_in_by_itself(live: Live, checker: User) -> None:
    there = live.url.replace("127.0.0.1", "localhost")  # a passkey belongs to a name
    page = live.page(checker)
    page.goto(f"{there}/accounts/login/")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY_IN_THE_DEVICE})
    page.get_by_label("Name").fill(checker.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{there}/")

    page.goto(f"{there}/accounts/2fa/webauthn/add/")
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert factors.has_factor(checker)
    page.context.clear_cookies()
    page.goto(f"{there}/accounts/login/")
    assert page.locator("#passkey-error").is_hidden()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{there}/")
    page.get_by_role("heading", level=1).wait_for()
