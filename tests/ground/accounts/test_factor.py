"""The second factor: a stolen password opens nothing; codes are taken once; whoever lost the phone finds a way back."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pyotp
import pytest
from django.db import transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.helpers import PASSWORD, Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts import commands, totp
from xueji.ground.accounts.commands import factor
from xueji.ground.accounts.models import Factor, FactorGuard, FactorRule, RecoveryCode, UserSession
from xueji.ground.audit.models import AuditEntry
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting

pytestmark = pytest.mark.django_db
CLERK = "county_clerk.a"


@pytest.fixture
def place() -> Place:
    made = make_county()
    with transaction.atomic(), acting("writer"):
        FactorRule.objects.filter(role__in=["county_clerk", "security_admin"]).update(must=True)
    return made


def enter(client: Client, name: str = CLERK, follow: str = "/") -> str:
    """Sign in with the password alone; where the site sends the visitor who then asks for a page."""
    answer = client.post("/login/", {"username": name, "password": PASSWORD, "next": follow})
    assert answer.status_code == 302, answer.content.decode()
    return client.get(answer["Location"]).headers.get("Location", "")


def enrol(client: Client) -> tuple[str, list[str]]:
    """Add an authenticator by the pages; the secret and the recovery codes."""
    client.post("/me/factor/app/", {"name": "我的手机"})
    page = client.get("/me/factor/app/").content.decode()
    assert "data:image/svg+xml" in page
    found = re.search(r'<code class="xj-code">([A-Z2-7 ]+)</code>', page)
    assert found
    secret = found[1].replace(" ", "")
    answer = client.post("/me/factor/app/", {"code": pyotp.TOTP(secret).now()})
    # Where there were codes already none are shown.
    assert answer.status_code in (200, 303), answer.content.decode()
    return secret, re.findall(r"<li><code>([A-Z0-9-]+)</code>", answer.content.decode())


def forget_steps() -> None:
    """As if half a minute had gone by since the last code."""
    with transaction.atomic(), acting("writer"):
        Factor.objects.update(last_step=0)


def actions() -> list[str]:
    with transaction.atomic(), acting("audit"):
        return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.capability("C-SEC-01")
def test_a_role_that_must_have_one_enrols_before_anything_opens(client: Client, place: Place) -> None:
    """The county's clerk signs in for the first time since it is required; sees the page of the second factor
    wherever he goes; ends on the page that he wanted, with ten codes on paper.
    """
    assert enter(client, follow="/accounts/") == "/me/factor/?next=%2Faccounts%2F"
    page = client.get("/me/factor/?next=%2Faccounts%2F").content.decode()
    assert "添加手机验证器" in page and "通行密钥" in page
    secret, codes = enrol(client)
    assert len(codes) == len(set(codes)) == totp.RECOVERY_CODES
    assert client.get("/accounts/").status_code == 200
    with seeing_all():
        row = Factor.objects.get()
        assert secret.encode() not in bytes(row.sealed)
        assert vault.open(bytes(row.sealed), factor.place(row.pk)) == secret
        assert {bytes(c.digest) for c in RecoveryCode.objects.all()}.isdisjoint({c.encode() for c in codes})
    assert "accounts.factor.add" in actions()


#: Pages and deeds that a thief would like.
WANTED = (
    "/", "/students/", "/accounts/", "/cases/", "/cases/desk/", "/me/", "/me/password/", "/statistics/",
    "/me/standin/", "/rules/", "/accounts/new/", "/orgs/", "/help/",
)  # fmt: skip


@pytest.mark.capability("C-SEC-01")
def test_a_stolen_password_alone_opens_nothing(place: Place) -> None:
    owner, thief = Client(), Client()
    enter(owner)
    enrol(owner)
    enter(thief)
    for path in WANTED:
        for method in (thief.get, thief.post):
            answer = method(path)
            assert answer.status_code == 302 and answer["Location"].startswith("/me/factor/"), path
    # Neither does it enrol a device of the thief's, make codes, take the owner's device away, or lift the gate.
    thief.post("/me/factor/app/", {"name": "x"})
    assert thief.get("/me/factor/app/").status_code == 303
    assert (
        thief.post("/me/factor/passkey/options/", {"what": "register"}, "application/json").status_code == 422
    )
    thief.post("/me/factor/codes/")
    with seeing_all():
        mine = Factor.objects.get()
    thief.post(f"/me/factor/{mine.pk}/remove/")
    thief.post("/me/factor/passkey/prove/", {"credential": {}}, "application/json")
    with seeing_all():
        assert Factor.objects.get() == mine
        assert RecoveryCode.objects.count() == totp.RECOVERY_CODES
    assert thief.get("/students/")["Location"].startswith("/me/factor/")
    assert owner.get("/students/").status_code == 200


def test_a_code_opens_once_and_never_again(place: Place) -> None:
    first, second = Client(), Client()
    enter(first)
    secret, _codes = enrol(first)
    # The code that enrolled it has been taken.
    enter(second)
    code = pyotp.TOTP(secret).now()
    assert second.post("/me/factor/", {"code": code}).status_code == 422
    forget_steps()
    code = pyotp.TOTP(secret).now()
    assert second.post("/me/factor/", {"code": code})["Location"] == "/"
    third = Client()
    enter(third)
    assert third.post("/me/factor/", {"code": code}).status_code == 422
    assert third.get("/students/").status_code == 302


def test_a_step_is_taken_only_once_and_only_near_its_time() -> None:
    secret, now = totp.new_secret(), time.time()
    step = int(now) // totp.STEP
    otp = pyotp.TOTP(secret)
    assert totp.step_of(secret, otp.generate_otp(step), now, 0) == step
    assert totp.step_of(secret, otp.generate_otp(step - 1), now, 0) == step - 1
    assert totp.step_of(secret, otp.generate_otp(step), now, step) is None
    assert totp.step_of(secret, otp.generate_otp(step - 1), now, step) is None
    assert totp.step_of(secret, otp.generate_otp(step - 3), now, 0) is None
    assert totp.step_of(secret, "", now, 0) is None


def test_a_recovery_code_opens_once(place: Place) -> None:
    client = Client()
    enter(client)
    _secret, codes = enrol(client)
    for expected in (303, 422):
        other = Client()
        enter(other)
        # Typed from paper: small letters, blanks.
        assert other.post("/me/factor/", {"code": codes[0].lower().replace("-", " ")}).status_code == expected
    assert other.get("/students/").status_code == 302


def test_wrong_codes_lock_and_in_the_end_only_the_manager_helps(place: Place) -> None:
    client = Client()
    enter(client)
    secret, codes = enrol(client)
    thief = Client()
    enter(thief)
    for n in range(1, factor.CLOSE_AFTER + 1):
        answer = thief.post("/me/factor/", {"code": "000000"})
        assert answer.status_code == 422
        if n % factor.LOCK_AFTER == 0 and n < factor.CLOSE_AFTER:
            assert "以后可以再试" in answer.content.decode()
            # Even the right code waits now.
            forget_steps()
            assert thief.post("/me/factor/", {"code": pyotp.TOTP(secret).now()}).status_code == 422
            with transaction.atomic(), acting("writer"):
                FactorGuard.objects.update(locked_until=timezone.now() - timedelta(seconds=1))
    assert "已停用" in thief.post("/me/factor/", {"code": codes[0]}).content.decode()
    assert thief.get("/students/").status_code == 302


@pytest.mark.capability("C-SEC-01")
def test_the_manager_resets_a_lost_factor_and_the_owner_is_told(place: Place) -> None:
    """Lost phone: the security administrator hands over one code on paper; the owner signs in with it, reads who
    reset what, and adds the new phone. The password alone opens and enrols nothing in between.
    """
    owner = Client()
    enter(owner)
    enrol(owner)
    clerk = place.user("county_clerk", "a")
    with transaction.atomic(), acting("writer"):
        FactorRule.objects.filter(role="security_admin").update(must=False)
    admin = login(Client(), place.user("security_admin", "province"))
    assert "手机" in admin.get(f"/accounts/{clerk.pk}/").content.decode()
    answer = admin.post(f"/accounts/{clerk.pk}/factor-reset/")
    found = re.search(r"<code>([A-Z0-9-]{19})</code>", answer.content.decode())
    assert found
    assert owner.get("/students/")["Location"].startswith("/login/")
    thief = Client()
    enter(thief)
    thief.post("/me/factor/app/", {"name": "x"})
    assert thief.get("/me/factor/app/").status_code == 303
    back = Client()
    enter(back)
    assert back.post("/me/factor/", {"code": found[1]})["Location"] == "/me/factor/"
    page = back.get("/me/factor/").content.decode()
    assert "重置了您的第二重验证" in page and place.user("security_admin", "province").display_name in page
    # Proven, but the role must have one: nothing opens before there is one again.
    assert back.get("/students/")["Location"].startswith("/me/factor/")
    enrol(back)
    assert back.get("/students/").status_code == 200
    again = Client()
    enter(again)
    assert "重置了您的第二重验证" not in again.get("/me/factor/").content.decode()
    assert actions().count("accounts.factor.reset") == 1


def test_nobody_resets_his_own_or_a_strangers(place: Place) -> None:
    with act_as(place.user("county_clerk", "b")) as actor:
        with pytest.raises(Http404):
            factor.reset(actor, place.user("registrar", "a1").pk)
        with pytest.raises(commands.AccountError, match="自己"):
            factor.reset(actor, actor.user_id)


def test_whoever_enrols_without_having_to_is_asked_from_then_on(client: Client, place: Place) -> None:
    enter(client, "registrar.a1")
    assert client.get("/students/").status_code == 200
    enrol(client)
    assert client.get("/students/").status_code == 200
    other = Client()
    assert enter(other, "registrar.a1", "/students/") == "/me/factor/?next=%2Fstudents%2F"
    with seeing_all():
        mine = Factor.objects.get()
    client.post(f"/me/factor/{mine.pk}/remove/")
    assert enter(Client(), "registrar.a1", "/students/") == ""


def test_the_last_one_of_a_role_that_must_have_one_stays(client: Client, place: Place) -> None:
    enter(client)
    enrol(client)
    with seeing_all():
        mine = Factor.objects.get()
    assert "请先添加新的" in client.post(f"/me/factor/{mine.pk}/remove/", follow=True).content.decode()
    forget_steps()
    enrol(client)
    client.post(f"/me/factor/{mine.pk}/remove/")
    with seeing_all():
        assert Factor.objects.count() == 1 and not Factor.objects.filter(pk=mine.pk).exists()


def test_the_factor_is_asked_before_a_forced_change_of_the_password(place: Place) -> None:
    client = Client()
    enter(client)
    enrol(client)
    with act_as(place.user("security_admin", "province")) as actor:
        made = commands.reset_password(actor, place.user("county_clerk", "a").pk)
    thief = Client()
    answer = thief.post("/login/", {"username": CLERK, "password": made.password})
    assert answer["Location"] == "/me/password/"
    assert thief.get("/me/password/")["Location"].startswith("/me/factor/")


def test_the_gate_costs_no_statement_more(client: Client, place: Place, django_assert_num_queries) -> None:
    enter(client)
    enrol(client)
    client.post("/session/extend/")
    with django_assert_num_queries(4):  # the session, the door, and the transaction around it
        client.post("/session/extend/")


@pytest.mark.capability("C-ROL-02")
def test_which_roles_must_have_one_is_decided_at_the_top(place: Place) -> None:
    with transaction.atomic(), acting("writer"):
        FactorRule.objects.filter(role="security_admin").update(must=False)
    admin = login(Client(), place.user("security_admin", "province"))
    assert "改为必须" in admin.get("/accounts/factor/").content.decode()
    assert admin.post("/accounts/factor/set/", {"role": "registrar", "must": "1"}).status_code == 302
    assert FactorRule.objects.get(role="registrar").must
    assert admin.post("/accounts/factor/set/", {"role": "parent", "must": "1"}).status_code == 404
    registrar = login(Client(), place.user("registrar", "a1"))
    assert registrar.post("/accounts/factor/set/", {"role": "registrar", "must": "0"}).status_code in (
        302,
        403,
    )
    assert FactorRule.objects.get(role="registrar").must
    assert "accounts.factor.rule" in actions()


def test_the_shipped_table_asks_administrators_clerks_and_heads(django_db_setup: None) -> None:
    must = set(FactorRule.objects.filter(must=True).values_list("role", flat=True))
    assert must == {
        "system_admin", "security_admin", "audit_admin", "province_clerk", "province_head", "city_clerk",
        "city_head", "county_clerk", "county_head",
    }  # fmt: skip
    assert not FactorRule.objects.filter(role__in=["parent", "student"]).exists()


def test_ones_own_sign_ins_and_proven_sessions_are_on_ones_page(client: Client, place: Place) -> None:
    client.post("/login/", {"username": CLERK, "password": "Wrong-pass-1"})
    enter(client)
    enrol(client)
    page = client.get("/me/").content.decode()
    assert "登录记录" in page and "密码不对" in page and "两重验证" in page
    with seeing_all():
        assert UserSession.objects.get(user=place.user("county_clerk", "a")).factor == "totp"
