"""Certificates: what is on the paper, who gives it out, what a stranger with a code is told, and what not."""

from __future__ import annotations

import io
import re
import time
import uuid
from datetime import date, timedelta
from typing import Any

import pypdf
import pytest
import segno
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.children import enrol
from tests.helpers import Place, act_as, link_child, login, make_county

from xueji.ground.accounts.actor import today
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.paper.signature import verify_pdf
from xueji.ground.paper.wording import qr_svg
from xueji.office.certificates import codes, commands, facts, paper, queries
from xueji.office.certificates.errors import CertificateRefused
from xueji.office.certificates.models import Certificate
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step, midnight

STUDYING, SUSPENDED = 1, 2


@pytest.fixture
def place(db: None) -> Place:
    return make_county()


@pytest.fixture
def child(place: Place) -> uuid.UUID:
    return enrol(place, "a1", name="欧阳小明", birth=date(2019, 5, 6), identity=None)


def give(place: Place, person: uuid.UUID, **more: Any) -> Certificate:
    with act_as(place.user("registrar", "a1")) as actor:
        return commands.issue(actor, person, **({"purpose": "转学"} | more))


def code_of(row: Certificate) -> str:
    return vault.open(bytes(row.code_sealed), paper.sealed_at(row.id))


def text_of(pdf: bytes) -> str:
    return re.sub(r"\s", "", "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages))


def change(row: Certificate, **values: Any) -> None:
    with acting("writer"):
        Certificate.objects.filter(pk=row.pk).update(**values)


def suspend(place: Place, person: uuid.UUID, **detail: Any) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(
            actor, Step(person, "suspend", SUSPENDED, midnight(date(2026, 10, 8)), detail=detail)
        )


# --- giving out ---------------------------------------------------------------------------------------------------


@pytest.mark.capability("C-CER-02")
def test_numbers_run_without_gaps_in_a_school_and_year_and_codes_differ(
    place: Place, child: uuid.UUID
) -> None:
    rows = [give(place, child) for _i in range(3)]
    school = place.org("a1").code
    assert [r.number for r in rows] == [f"{school}-{today().year}-{n:05d}" for n in (1, 2, 3)]
    made = {code_of(r) for r in rows}
    assert len(made) == 3
    assert all(re.fullmatch(f"[{codes.ALPHABET}]{{16}}", c) for c in made)
    assert not any(c.encode() in bytes(r.code_sealed) for r, c in zip(rows, made, strict=True))


@pytest.mark.capability("C-CER-02")
def test_a_refused_certificate_takes_no_number(place: Place, child: uuid.UUID) -> None:
    with pytest.raises(CertificateRefused):
        give(place, child, kind="suspension")
    assert give(place, child).number.endswith("-00001")


@pytest.mark.capability("C-CER-04", page="/certificates/")
def test_the_paper_says_who_is_enrolled_where_and_covers_the_numbers(place: Place, child: uuid.UUID) -> None:
    row = give(place, child, purpose="户籍办理", days=90)
    pdf = paper.render(row)
    text = text_of(pdf)
    for words in (
        "在籍证明",
        "欧阳小明",
        "青禾县第一小学",
        "一年级（1）班",
        "在校",
        "户籍办理",
        row.number,
        "2026年9月入学",
    ):
        assert words.replace(" ", "") in text, words
    assert codes.normalise(code_of(row)) in text
    with act_as(place.user("registrar", "a1")) as actor:
        from xueji.registry.people.commands import reveal

        whole = reveal(actor, child, "identity", "核对证件")
    assert whole not in text
    assert whole[-4:] in text
    assert whole[:14] not in str(row.content)
    assert (row.valid_until - today()).days == 90


def test_a_reprint_is_the_same_to_the_byte_even_after_the_record_changed(
    place: Place, child: uuid.UUID
) -> None:
    row = give(place, child)
    before = paper.render(row)
    klass = place.klass("a1", "P", 2026, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(
            actor, Step(child, "change_class", STUDYING, midnight(date(2026, 10, 9)), class_id=klass.pk)
        )
    assert paper.render(Certificate.objects.model(**_row(row))) == before
    assert "（2）班" in text_of(paper.render(give(place, child)))


def _row(row: Certificate) -> dict[str, Any]:
    with acting("writer"):
        return Certificate.objects.filter(pk=row.pk).values().get()


@pytest.mark.capability("C-CER-04")
@pytest.mark.parametrize("name", ["王㐱", "买买提·吐尔逊", "李𠮷"])
def test_rare_characters_print_or_are_refused_by_name_never_boxed(place: Place, name: str) -> None:
    person = enrol(place, "a1", name=name)
    from xueji.ground.paper import fonts

    missing = fonts.missing_glyphs(name)
    if missing:
        with pytest.raises(CertificateRefused, match=re.escape(f"U+{ord(missing[0]):04X}")):
            give(place, person)
    else:
        assert name in text_of(paper.render(give(place, person)))


def test_a_character_that_no_font_has_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    person = enrol(place, "a1", name="王㐱")
    monkeypatch.setattr(
        "xueji.ground.paper.fonts.missing_glyphs", lambda text: [c for c in text if c == "㐱"]
    )
    with pytest.raises(CertificateRefused, match=r"㐱\(U\+3431\)"):
        give(place, person)


def test_a_notice_of_suspension_tells_the_period_and_never_the_reason(place: Place, child: uuid.UUID) -> None:
    suspend(place, child, planned_end="2027-10-07", case="XX-2026-990101-000001", reason="因病")
    row = give(place, child, kind="suspension", purpose="医疗保险")
    text = text_of(paper.render(row))
    for words in ("休学证明", "2026年10月8日至2027年10月7日", "复学", "XX-2026-990101-000001"):
        assert words in text, words
    assert "因病" not in text
    assert "学籍状态为休学" in text_of(paper.render(give(place, child)))


def test_a_suspension_without_an_end_is_not_certified(place: Place, child: uuid.UUID) -> None:
    suspend(place, child)
    with pytest.raises(CertificateRefused, match="结束日期"):
        give(place, child, kind="suspension")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"purpose": "  "}, "用途"), ({"purpose": "长" * 51}, "50个字"), ({"days": 365}, "有效期"),
        ({"kind": "nonsense"}, "种类"),
    ],
)  # fmt: skip
def test_what_makes_no_certificate_is_told(
    place: Place, child: uuid.UUID, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(CertificateRefused, match=words):
        give(place, child, **more)


def test_a_child_that_left_gets_no_proof_of_enrolment(place: Place, child: uuid.UUID) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(actor, Step(child, "transfer_out", 11, midnight(date(2026, 10, 8))))
    with pytest.raises(CertificateRefused, match="转出"):
        give(place, child)


def test_only_the_school_of_the_record_gives_it_out(place: Place, child: uuid.UUID) -> None:
    with act_as(place.user("registrar", "a2")) as actor, pytest.raises(Http404):
        commands.issue(actor, child, purpose="转学")
    for role, at in (("class_teacher", "a1"), ("county_clerk", "a"), ("system_admin", "province")):
        with act_as(place.user(role, at)) as actor, pytest.raises(PermissionDenied):
            commands.issue(actor, child, purpose="转学")


@pytest.mark.capability("C-EXP-05")
def test_issue_print_and_revocation_are_in_the_audit(place: Place, child: uuid.UUID) -> None:
    row = give(place, child)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.print_again(actor, row.pk)
        commands.revoke(actor, row.pk, "信息有误")
        with pytest.raises(CertificateRefused, match="已经作废"):
            commands.revoke(actor, row.pk, "再来一次")
        with pytest.raises(CertificateRefused, match="已作废"):
            commands.print_again(actor, row.pk)
    with acting("audit"), connection.cursor() as c:
        c.execute(
            "select action, person_id, coalesce(after::text, '') from audit_entry where object_id = %s order by id",
            [str(row.pk)],
        )
        found = c.fetchall()
    assert [f[0] for f in found] == ["certificate.issue", "certificate.print", "certificate.revoke"]
    assert {f[1] for f in found} == {child}
    assert code_of(row) not in str(found)


# --- the public check ---------------------------------------------------------------------------------------------


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(queries, "LIMIT", 10_000)
    return Client()


@pytest.mark.capability("C-CER-09", page="/verify/")
def test_a_stranger_with_the_code_sees_what_the_paper_shows_masked(
    place: Place, child: uuid.UUID, stranger: Client
) -> None:
    row = give(place, child)
    answer = stranger.get(f"/verify/{code_of(row)}/")
    body = answer.content.decode()
    for words in ("证明有效", row.number, "欧★★★", "青禾县第一小学", "一年级（1）班", "2019年"):
        assert words in body, words
    for secret in ("欧阳小明", "2019-05-06", row.content["identity"], str(child), str(row.pk)):
        assert secret not in body, secret
    assert answer["Cache-Control"] == "no-store"
    assert "noindex" in answer["X-Robots-Tag"]


def test_the_code_may_be_typed_in_groups_and_small_letters(
    place: Place, child: uuid.UUID, stranger: Client
) -> None:
    code = code_of(give(place, child)).lower()
    typed = f" {code[:4]} {code[4:8]}-{code[8:12]} {code[12:]} "
    assert "证明有效" in stranger.post("/verify/", {"code": typed}).content.decode()


def test_revoked_and_expired_papers_say_so_and_nothing_about_the_child(
    place: Place, child: uuid.UUID, stranger: Client
) -> None:
    row = give(place, child)
    change(row, valid_until=today() - timedelta(days=1))
    expired = stranger.get(f"/verify/{code_of(row)}/").content.decode()
    with act_as(place.user("registrar", "a1")) as actor:
        commands.revoke(actor, row.pk, "信息有误")
    revoked = stranger.get(f"/verify/{code_of(row)}/").content.decode()
    assert "已过有效期" in expired
    assert "已作废" in revoked
    for body in (expired, revoked):
        assert row.number in body
        assert "欧★" not in body
        assert "一年级" not in body
        assert "信息有误" not in body


def test_the_last_day_still_counts(place: Place, child: uuid.UUID, stranger: Client) -> None:
    row = give(place, child)
    change(row, valid_until=today())
    assert "证明有效" in stranger.get(f"/verify/{code_of(row)}/").content.decode()


STRANGE = [
    "2" * 16,
    "Z",
    "'; drop table certificate;--",
    "2" * 5000,
    "张三",
    "%00",
    "0OIL1U0OIL1U0OIL",
    "<script>",
]


def test_unknown_and_malformed_codes_get_the_same_page(
    place: Place, child: uuid.UUID, stranger: Client
) -> None:
    give(place, child)
    bodies = set()
    for code in STRANGE:
        answer = stranger.post("/verify/", {"code": code})
        assert answer.status_code == 200
        bodies.add(
            re.sub(
                r'csrf[\w-]*" (?:value|content)="[^"]+"|X-CSRFToken": "[^"]+"|E-\d+-\w+',
                "",
                answer.content.decode(),
            )
        )
    assert len(bodies) == 1
    assert "没有查到这份证明" in bodies.pop()


def test_each_code_costs_the_same_single_lookup_and_no_telling_time(place: Place, child: uuid.UUID) -> None:
    real = code_of(give(place, child))
    spent: dict[str, list[float]] = {}
    for _round in range(60):
        for kind, code in (("known", real), ("unknown", "2" * 16), ("malformed", "x y z")):
            with CaptureQueriesContext(connection) as seen:
                began = time.process_time()
                queries.verify(code, f"10.0.0.{_round}")
                spent.setdefault(kind, []).append(time.process_time() - began)
            assert len(seen) == 1
    # Unknown and malformed must not be told apart. The quickest of many rounds: a busy machine only adds to the others.
    a, b = (min(spent[k]) for k in ("unknown", "malformed"))
    assert max(a, b) / min(a, b) < 1.5


def test_asking_too_often_is_stopped_for_that_visitor_alone(place: Place, child: uuid.UUID) -> None:
    code = code_of(give(place, child))
    for _i in range(queries.LIMIT):
        assert queries.verify(code, "192.0.2.1").state == "valid"
    assert queries.verify(code, "192.0.2.1").state == "limited"
    assert queries.verify(code, "192.0.2.2").state == "valid"
    assert queries.verify(code, "2001:db8:1:2::3").state == "valid"
    with connection.cursor() as c:
        c.execute("set local role none")
    # After the window the visitor may ask again.
    later = connection.cursor()
    later.execute(
        "select state from xueji_verify_certificate(%s, %s, %s, 0)",
        [codes.digest(code), codes.visitor("192.0.2.1"), 30],
    )
    assert later.fetchone()[0] == "valid"


def test_a_limited_visitor_gets_a_clear_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LIMIT", 1)
    client = Client()
    client.get("/verify/AAAA/")
    answer = client.get("/verify/AAAA/")
    assert answer.status_code == 429
    assert "请稍后再试" in answer.content.decode()


def test_the_application_cannot_read_certificates_past_the_function(place: Place, child: uuid.UUID) -> None:
    give(place, child)
    assert not Certificate.objects.exists()
    with pytest.raises(Exception, match="permission denied"), connection.cursor() as c:
        c.execute("select * from verify_visit")


def test_the_page_offers_no_search_but_by_code(stranger: Client, db: None) -> None:
    body = stranger.get("/verify/").content.decode()
    assert re.findall(r'<input[^>]*name="(\w+)"', body).count("code") == 1
    assert set(re.findall(r'name="(\w+)"', body.split("<main")[1].split("</main")[0])) == {
        "csrfmiddlewaretoken", "code",
    }  # fmt: skip


def test_the_qr_code_on_the_paper_is_the_address_of_this_certificate(
    place: Place, child: uuid.UUID, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://xueji.example.cn"
    row = give(place, child)
    url = paper.verify_url(row.content, code_of(row))
    assert url == f"https://xueji.example.cn/verify/{code_of(row)}/"
    # The modules of the printed picture are those of this very text.
    drawn = qr_svg(url)
    modules = segno.make_qr(url, error="m")
    size = modules.symbol_size(border=0)[0]
    assert f'width="{size}"' in drawn
    assert str(row.content["verify_base"]) == "https://xueji.example.cn"


# --- parents and students -----------------------------------------------------------------------------------------


@pytest.mark.capability("C-CER-04", page="/my/")
@pytest.mark.parametrize(("role", "guardian"), [("parent", 1), ("student", None)])
def test_the_family_takes_its_own_proof(
    place: Place, child: uuid.UUID, role: str, guardian: int | None, client: Client
) -> None:
    user = place.user(role)
    link_child(user, child, guardian)
    with act_as(user) as actor:
        row = commands.issue_for_portal(actor, child, purpose="transfer")
        assert [r.pk for r in queries.of_person(actor, child)] == [row.pk]
    assert row.school_id == place.org("a1").pk
    assert (row.valid_until - today()).days == 30
    answer = login(client, user).get(f"/certificates/{row.pk}/certificate.pdf")
    assert answer.content.startswith(b"%PDF-")
    assert verify_pdf(answer.content).good  # signed over the whole file, after the transaction
    assert "欧阳小明" in text_of(answer.content)
    assert "下载证明" in client.get(f"/certificates/{row.pk}/").content.decode()
    # The school sees in its register what was taken.
    with act_as(place.user("registrar", "a1")) as actor:
        assert [r.pk for r in queries.listed(actor).rows] == [row.pk]


def test_nobody_takes_a_proof_for_another_child(place: Place, child: uuid.UUID) -> None:
    other = enrol(place, "a1", name="别人")
    link_child(place.user("parent"), child)
    with act_as(place.user("parent")) as actor:
        with pytest.raises(Http404):
            commands.issue_for_portal(actor, other)
        with pytest.raises(CertificateRefused, match="用途"):
            commands.issue_for_portal(actor, child, purpose="nonsense")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Http404):
        commands.issue_for_portal(actor, child)


def test_a_family_takes_so_many_a_day_and_no_more(place: Place, child: uuid.UUID) -> None:
    link_child(place.user("parent"), child)
    with act_as(place.user("parent")) as actor:
        for _i in range(commands.PORTAL_A_DAY):
            commands.issue_for_portal(actor, child)
        with pytest.raises(CertificateRefused, match="今天已开具"):
            commands.issue_for_portal(actor, child)


# --- pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def registrar(place: Place, client: Client) -> Client:
    return login(client, place.user("registrar", "a1"))


@pytest.mark.capability("C-CER-04", page="/certificates/new/")
def test_a_registrar_gives_one_out_from_the_childs_page(child: uuid.UUID, registrar: Client) -> None:
    page = registrar.get(f"/certificates/new/?person={child}").content.decode()
    assert "欧阳小明" in page
    sent = registrar.post(
        "/certificates/new/",
        {"person": child, "kind": "enrolment", "purpose": "就业", "days": 180},
        follow=True,
    )
    body = sent.content.decode()
    assert "已开具在籍证明" in body
    assert "就业" in body
    pdf = registrar.get(re.search(r'href="(/certificates/[^"]+\.pdf)"', body).group(1))  # type: ignore[union-attr]
    assert "attachment" in pdf["Content-Disposition"]
    assert pdf["X-Content-Type-Options"] == "nosniff"


def test_missing_answers_are_named_beside_their_field(child: uuid.UUID, registrar: Client) -> None:
    body = registrar.post(
        "/certificates/new/", {"person": child, "kind": "", "purpose": "", "days": "7"}
    ).content.decode()
    assert "处需要修改" in body
    assert Certificate.objects.count() == 0


def test_the_list_pages_by_key_and_finds_by_number(place: Place, child: uuid.UUID, registrar: Client) -> None:
    rows = [give(place, child) for _i in range(5)]
    with act_as(place.user("registrar", "a1")) as actor:
        seen, after = [], ""
        while True:
            page = queries.listed(actor, after=after, limit=2)
            seen += [r.number for r in page.rows]
            after = page.next
            if not after:
                break
        assert seen == [r.number for r in reversed(rows)]
        assert [r.pk for r in queries.listed(actor, number=f" {rows[2].number} ").rows] == [rows[2].pk]
        assert len(queries.listed(actor, number=rows[0].number[:10]).rows) == 5
        change(rows[0], valid_until=today() - timedelta(days=1))
        assert [r.pk for r in queries.listed(actor, state="expired").rows] == [rows[0].pk]
        assert len(queries.listed(actor, state="valid", kind="enrolment").rows) == 4
    body = registrar.get(f"/certificates/?number={rows[1].number}").content.decode()
    assert rows[1].number in body
    assert rows[2].number not in body


def test_revoking_by_the_page_needs_a_reason(place: Place, child: uuid.UUID, registrar: Client) -> None:
    row = give(place, child)
    assert (
        "请填写作废原因"
        in registrar.post(f"/certificates/{row.pk}/revoke/", {"reason": " "}, follow=True).content.decode()
    )
    body = registrar.post(
        f"/certificates/{row.pk}/revoke/", {"reason": "班级写错"}, follow=True
    ).content.decode()
    assert "班级写错" in body
    assert "已作废" in registrar.get(f"/certificates/{row.pk}/certificate.pdf", follow=True).content.decode()


@pytest.mark.parametrize(
    ("role", "at"), [("registrar", "a2"), ("registrar", "b1"), ("parent", ""), ("student", "")]
)
def test_certificates_of_others_do_not_exist(
    place: Place, child: uuid.UUID, client: Client, role: str, at: str
) -> None:
    row = give(place, child)
    login(client, place.user(role, at))
    for path in (f"/certificates/{row.pk}/", f"/certificates/{row.pk}/certificate.pdf"):
        assert client.get(path).status_code == 404
    revoked = client.post(f"/certificates/{row.pk}/revoke/", {"reason": "捣乱"})
    assert revoked.status_code in (403, 404)
    if role == "registrar":
        assert row.number not in client.get("/certificates/").content.decode()
        assert client.get(f"/certificates/new/?person={child}").status_code == 404


@pytest.mark.parametrize(
    ("role", "at"), [("county_clerk", "a"), ("class_teacher", "a1"), ("system_admin", "province")]
)
def test_roles_without_certificates_are_told_so(place: Place, client: Client, role: str, at: str) -> None:
    login(client, place.user(role, at))
    for path in ("/certificates/", "/certificates/new/", f"/certificates/{uuid.uuid4()}/"):
        assert client.get(path).status_code == 403


def test_a_new_school_does_not_see_what_the_former_gave_out(
    place: Place, child: uuid.UUID, client: Client
) -> None:
    row = give(place, child)
    klass = place.klass("b1", "P", 2026)
    with act_as(place.user("registrar", "b1")) as actor:
        enrolment.apply_step(
            actor,
            Step(
                child,
                "transfer",
                STUDYING,
                midnight(date(2026, 10, 8)),
                school_id=klass.school_id,
                class_id=klass.pk,
            ),
        )
    assert login(client, place.user("registrar", "b1")).get(f"/certificates/{row.pk}/").status_code == 404
    with pytest.raises((CertificateRefused, Http404)):
        give(place, child)


@pytest.mark.parametrize(
    ("path", "limit"), [("/certificates/", 5), ("/verify/", 0), ("/certificates/new/?person={}", 10)]
)
def test_queries_per_page_are_frozen(
    place: Place, child: uuid.UUID, client: Client, path: str, limit: int
) -> None:
    for _i in range(3):
        give(place, child)
    if limit:
        login(client, place.user("registrar", "a1"))
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path.format(child)).status_code == 200
    assert len([q for q in seen if "SAVEPOINT" not in q["sql"]]) == limit, [q["sql"][:100] for q in seen]


def test_kinds_follow_the_state_of_the_record() -> None:
    assert facts.possible_kinds(None) == []
