"""Every component renders, says its state in words, and needs nothing from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django import forms as dj
from django.template import engines
from django.template.loader import render_to_string
from django.test import RequestFactory

import xueji.web.layout as room
from xueji.web.layout import showcase, statuses
from xueji.web.layout.forms import PlainWords, Renderer

HOME = Path(room.__file__).parent
COMPONENTS = sorted((HOME / "templates/cotton").glob("*.html"))
SPRITE = (HOME / "static/vendor/icons/tabler-icons.svg").read_text(encoding="utf-8")
ICONS = set(re.findall(r'<symbol id="([^"]+)"', SPRITE))
RENDERER = Renderer()


def page(name: str) -> str:
    """Render one sample page without a request, so that no other room is needed."""
    return render_to_string(showcase.PAGES[name], showcase.context(RequestFactory().get("/")))


def draw(source: str, **context: object) -> str:
    """Render a piece of template text, components included."""
    from django_cotton.compiler_regex import CottonCompiler

    compiled = CottonCompiler().process(source)
    return engines["django"].from_string(compiled).render(context)


@pytest.mark.parametrize("name", sorted(showcase.PAGES))
def test_sample_page_renders_without_inline_code_or_outside_addresses(name: str) -> None:
    html = page(name)
    assert "<c-" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\son[a-z]+=\"", html)
    assert " style=" not in html
    assert "<style" not in html
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", html)


def test_sample_pages_show_every_component() -> None:
    sources = "".join(p.read_text(encoding="utf-8") for p in (HOME / "templates").rglob("*.html"))
    missing = [p.stem for p in COMPONENTS if f"<c-{p.stem.replace('_', '-')}" not in sources]
    assert missing == ["icon"]  # the tag {% icon %} is the short form used everywhere
    assert '#home"' in draw('<c-icon name="home" />')


def test_icons_used_exist_in_the_sprite() -> None:
    used: set[str] = set()
    for path in HOME.parents[1].rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'\{% icon "([a-z0-9-]+)"', text)) | set(
            re.findall(r'\sicon="([a-z0-9-]+)"', text)
        )
    for table in statuses.KINDS.values():
        used |= {face.icon for face in table.values() if face.icon}
    for name in showcase.PAGES:
        used |= set(re.findall(r'tabler-icons[^"]*\.svg#([a-z0-9-]+)"', page(name)))
    assert used <= ICONS, used - ICONS


def test_templates_and_styles_name_no_outside_address() -> None:
    own = [*HOME.rglob("templates/**/*.html"), *(HOME / "static/xueji").iterdir()]
    for path in own:
        found = re.findall(r"https?://(?!www\.w3\.org/)[^\s\"')]+", path.read_text(encoding="utf-8"))
        assert not found, (path.name, found)
    for path in (HOME / "static").rglob("*"):
        if path.suffix in {".css", ".js"}:
            text = path.read_text(encoding="utf-8")
            assert "sourceMappingURL" not in text
            assert not re.search(r"url\(['\"]?https?:|@import", text)


def test_first_load_stays_below_300_kilobytes() -> None:
    import gzip

    files = [*(HOME / "static/xueji").iterdir(), *(HOME / "static/vendor").rglob("*.min.*")]
    files.append(HOME / "static/vendor/icons/tabler-icons.svg")
    total = sum(len(gzip.compress(p.read_bytes())) for p in files) + len(gzip.compress(page("").encode()))
    assert total < 300 * 1024


@pytest.mark.parametrize("kind", sorted(statuses.KINDS))
def test_every_status_has_word_and_tone_and_is_found_by_code_and_by_word(kind: str) -> None:
    for code, face in statuses.KINDS[kind].items():
        html = draw(f'<c-status value="{code}" kind="{kind}" />')
        assert face.label in html
        assert f"xj-chip-{face.tone}" in html
        assert face.tone in statuses.TONES
        assert statuses.face(face.label, kind) == face
        assert (face.icon in html) if face.icon else face.tone == "plain"


def test_other_codes_of_the_same_state_are_understood() -> None:
    assert statuses.face("waiting", "case").label == "等待前置业务"
    assert statuses.face("refused", "case").label == "未通过"
    assert statuses.face("死亡", "enrolment").label == "死亡注销"


def test_an_unknown_status_is_shown_as_it_is() -> None:
    assert statuses.face("待抽查").label == "待抽查"
    assert "待抽查" in draw('<c-status value="待抽查" />')


def test_stepper_names_unit_person_days_and_opinion_of_each_step() -> None:
    html = draw('<c-stepper :steps="steps" />', steps=showcase.STEPS)
    for word in ("青禾区第一小学", "王老师", "用时 1/3 个工作日", "已超时", "已退回", "不需要", "招生办"):
        assert word in html
    assert html.count('aria-current="step"') == 1


def test_holder_bar_counts_down_and_up() -> None:
    assert "还剩" in draw('<c-holder-bar org="教育局" left_days="0" due="2026-11-23" />')
    over = draw('<c-holder-bar org="教育局" over_days="2" due="2026-11-20" urge_url="/u/" />')
    assert "已超 2 个工作日(应于 2026-11-20 前)" in over
    assert 'action="/u/"' in over
    assert "催办" not in draw('<c-holder-bar org="教育局" urge_url="" />')


def test_preflight_marks_each_verdict_in_words_and_links_the_way_out() -> None:
    html = draw('<c-preflight :checks="checks" />', checks=showcase.CHECKS)
    for word in ("通过", "提醒", "需要确认", "不能办理"):
        assert f'aria-label="{word}"' in html
    assert 'href="#photo"' in html


def test_masked_value_offers_reveal_only_with_an_address() -> None:
    asked = draw('<c-masked value="990***0021" url="/reveal/" label="证件号" />')
    assert 'hx-post="/reveal/"' in asked
    assert 'value="核对证件"' in asked
    assert "hx-post" not in draw('<c-masked value="990***0021" />')
    shown = render_to_string("layout/revealed.html", {"value": "9901", "mask": "9***"})
    assert 'data-autohide="60"' in shown
    assert 'data-mask="9***"' in shown


def test_values_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    pieces = [
        draw('<c-status :value="v" />', v=evil),
        draw('<c-masked :value="v" />', v=evil),
        draw('<c-stepper :steps="s" />', s=[{"name": evil, "state": "done", "opinion": evil}]),
        draw('<c-timeline :events="s" />', s=[{"title": evil, "text": evil}]),
        draw('<c-diff-table :rows="s" />', s=[{"label": evil, "old": evil, "new": ""}]),
        draw('<c-holder-bar :org="v" />', v=evil),
        draw('<c-photo :name="v" />', v=evil),
        draw('<c-table caption="x" :columns="c">{{ v }}</c-table>', v=evil, c=[{"label": evil}]),
        draw('<c-facts :items="i" />', i=[{"label": evil, "value": evil}]),
    ]
    for html in pieces:
        assert "<script>" not in html


def test_table_shows_empty_state_instead_of_an_empty_grid() -> None:
    html = draw('<c-table caption="名册" :count="0" empty_text="换个条件再查" />')
    assert "没有符合条件的记录" in html
    assert "换个条件再查" in html
    assert "<table" not in html
    filled = draw(
        '<c-table caption="名册" :count="1" :columns="c"><tr><td>1</td></tr></c-table>', c=[{"label": "姓名"}]
    )
    assert '<th scope="col"' in filled
    assert "<caption" in filled


def test_pager_disables_what_is_not_there() -> None:
    html = draw('<c-pager :total="12860" next_url="?after=9" />')
    assert "12,860" in html
    assert 'rel="next"' in html
    assert 'rel="prev"' not in html


@pytest.mark.parametrize(
    ("state", "polls"), [("queued", True), ("running", True), ("done", False), ("failed", False)]
)
def test_job_polls_only_while_it_runs(state: str, polls: bool) -> None:
    html = draw(
        '<c-job-progress :job="j" url="/jobs/7/" />',
        j={"id": 7, "title": "导入", "state": state, "total": 12000},
    )
    assert ("hx-get" in html) is polls
    assert 'max="12,000"' not in html


class Sample(PlainWords, dj.Form):
    name = dj.CharField(label="学生姓名", help_text="与户口簿一致")
    grade = dj.ChoiceField(label="年级", choices=[("1", "一年级")])
    mode = dj.ChoiceField(label="就读方式", choices=[("1", "走读"), ("2", "住校")], widget=dj.RadioSelect)
    agree = dj.BooleanField(label="已告知监护人", error_messages={"required": "请先告知监护人"})


def test_form_errors_say_what_to_do_and_are_linked_to_the_field() -> None:
    html = Sample({}, renderer=RENDERER).render()
    for words in ("请填写学生姓名", "请选择年级", "请选择就读方式", "请先告知监护人", "有 4 处需要修改"):
        assert words in html
    assert 'href="#id_name"' in html
    assert 'id="id_name_error"' in html
    assert 'aria-invalid="true"' in html


def test_each_kind_of_field_gets_its_look() -> None:
    html = Sample(renderer=RENDERER).render()
    assert re.search(r'<input[^>]*class="form-control"', html)
    assert re.search(r'<select[^>]*class="form-select"', html)
    assert "<legend" in html
    assert html.count('class="xj-required"') == 4
    assert 'id="id_name_helptext"' in html


@pytest.mark.parametrize("name", ["400", "403", "404", "500", "403_csrf"])
def test_error_page_says_what_why_and_what_to_do_with_a_number(name: str) -> None:
    html = render_to_string(f"{name}.html")
    assert re.search(r"编号 \S+ 可报给技术支持", html)
    assert html.count("xj-state-text") == 2
    assert "<script" not in html


def test_display_choices_come_from_the_cookie() -> None:
    request = RequestFactory().get("/")
    request.COOKIES["xj_face"] = "large.nonsense"
    html = engines["django"].from_string("{% load layout %}[{% face_classes %}]").template
    from django.template import Context

    assert html.render(Context({"request": request})) == "[xj-large]"
