"""Sessions that end while somebody types, and the second factor, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pyotp
import pytest
from django.db import transaction

from xueji.ground.accounts.models import Factor, FactorRule, RecoveryCode, UserSession
from xueji.ground.db.scope import acting

pytestmark = [pytest.mark.browser]


def end_sessions(username: str) -> None:
    """As if the session had ended elsewhere."""
    with transaction.atomic(), acting("writer"):
        UserSession.objects.filter(user__username=username).delete()


@pytest.mark.capability("C-SEC-01")
def test_nothing_typed_is_lost_when_the_session_has_ended(person: Any) -> None:
    """A registrar types an account's name, is called away; the session has ended when she presses the button; she
    signs in again and goes on typing where she was.
    """
    registrar = person("registrar.b")
    page = registrar.page
    registrar.go("/accounts/new/")
    page.fill("input[name=username]", "chen.half")
    page.fill("input[name=display_name]", "陈半途")
    end_sessions("registrar.b")
    page.click("main form button.btn-primary")
    page.wait_for_url("**/login/**")
    page.fill("input[name=username]", "registrar.b")
    page.fill("input[name=password]", registrar.site.accounts["password"])
    page.click("form button.btn-primary")
    page.wait_for_url("**/accounts/new/")
    assert page.input_value("input[name=username]") == "chen.half"
    assert page.input_value("input[name=display_name]") == "陈半途"
    assert "恢复" in page.inner_text(".xj-draft")
    registrar.shot("draft")
    # It was brought back for this return alone.
    registrar.go("/accounts/new/")
    assert page.input_value("input[name=username]") == ""


@pytest.mark.capability("C-SEC-01")
def test_the_page_warns_before_the_session_ends_and_keeps_what_is_typed(person: Any) -> None:
    """Half an hour without a key: two minutes before the end a dialog counts down; at the end the sign-in page; what
    was typed is there afterwards.
    """
    registrar = person("registrar.b")
    page = registrar.page
    page.clock.install()
    registrar.go("/accounts/new/")
    page.fill("input[name=display_name]", "陈午休")
    page.clock.fast_forward("28:30")
    page.wait_for_selector("#xj-session[open]")
    page.click("#xj-session [data-answer=extend]")
    page.wait_for_selector("#xj-session:not([open])", state="attached")
    end_sessions("registrar.b")
    page.clock.fast_forward("30:05")
    page.wait_for_url("**/login/**")
    page.fill("input[name=username]", "registrar.b")
    page.fill("input[name=password]", registrar.site.accounts["password"])
    page.click("form button.btn-primary")
    page.wait_for_url("**/accounts/new/")
    assert page.input_value("input[name=display_name]") == "陈午休"


@pytest.mark.capability("C-SEC-01")
def test_a_clerk_enrols_an_app_and_a_passkey_and_signs_in_with_each(person: Any) -> None:
    """The city's clerk must have a second factor from today: scans a code, prints recovery codes, adds the
    computer's passkey, and next time signs in without a password.
    """
    clerk = person("city1.clerk")
    page = clerk.page
    page.goto("about:blank")
    # Passkeys belong to names, not to numbers.
    clerk.site.url, before = clerk.site.url.replace("127.0.0.1", "localhost"), clerk.site.url
    with transaction.atomic(), acting("writer"):
        FactorRule.objects.filter(role="city_clerk").update(must=True)
    try:
        devtools = clerk.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        clerk.go("/login/?next=/cases/")
        page.fill("input[name=username]", "city1.clerk")
        page.fill("input[name=password]", clerk.site.accounts["password"])
        page.click("form button.btn-primary")
        page.wait_for_url("**/me/factor/**")
        clerk.shot("factor")
        page.fill("#id_name", "我的手机")
        page.click("text=添加手机验证器 >> nth=-1")
        page.wait_for_url("**/me/factor/app/")
        clerk.shot("factor-app")
        secret = page.inner_text("code.xj-code").replace(" ", "")
        page.fill("#id_code", pyotp.TOTP(secret).now())
        page.click("text=确认添加")
        assert page.locator(".xj-codes code").count() == 10
        clerk.shot("factor-codes")
        assert page.get_attribute("text=已收好, 继续", "href") == "/cases/"
        clerk.go("/me/factor/")
        page.fill("#id_passkey_name", "办公室电脑")
        page.click("[data-passkey=register] [data-passkey-go]")
        page.wait_for_selector("text=通行密钥已添加")
        clerk.shot("factor-two")
        # Without a password.
        clerk.context.clear_cookies()
        clerk.go("/login/?next=/cases/")
        clerk.shot("login")
        page.click("[data-passkey=sign-in] [data-passkey-go]")
        page.wait_for_url("**/cases/")
        # With the password, and then the passkey.
        clerk.context.clear_cookies()
        clerk.go("/login/")
        page.fill("input[name=username]", "city1.clerk")
        page.fill("input[name=password]", clerk.site.accounts["password"])
        page.click("form button.btn-primary")
        page.wait_for_url("**/me/factor/**")
        clerk.shot("factor-prove")
        page.click("[data-passkey=prove] [data-passkey-go]")
        page.wait_for_url(re.compile(r":\d+/(cases/.*)?$"))
    finally:
        page.goto("about:blank")
        clerk.site.url = before
        with transaction.atomic(), acting("writer"):
            FactorRule.objects.filter(role="city_clerk").update(must=False)
            Factor.objects.filter(user__username="city1.clerk").delete()
            RecoveryCode.objects.filter(user__username="city1.clerk").delete()
