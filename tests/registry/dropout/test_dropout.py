"""The watch on drop-outs: noticed by the teacher, followed, told in time, ended; the record is left alone."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import FOUR, make_child, pass_all, send, suspend_draft

from xueji.ground.policy.statuses import Status
from xueji.registry.dropout import commands as dropout
from xueji.registry.dropout import queries
from xueji.registry.dropout.errors import DropoutError
from xueji.registry.dropout.models import Entry, Report, Result, Watch
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import EnrolmentState

pytestmark = pytest.mark.django_db

TEACHER, OFFICE, HEAD = ("class_teacher", "a1"), ("registrar", "a1"), ("school_head", "a1")


def noticed(place: Place, child: uuid.UUID, *, days: int = 10) -> Watch:
    with act_as(place.user(*TEACHER)) as actor:
        return dropout.notice(
            actor,
            child,
            source="absence",
            since=timezone.localdate() - timedelta(days=days),
            text="家里电话打不通",
        )


@pytest.mark.capability("C-DRO-01")
def test_a_teacher_notices_a_child_of_the_own_class_and_the_days_to_report_run() -> None:
    place = make_county()
    watch = noticed(place, make_child(place))
    assert watch.report_by is not None
    assert watch.report_by > timezone.localdate()
    with act_as(place.user(*OFFICE)) as actor:
        assert [r.student for r in queries.listing(actor, result="active")[0]] == ["赵小满"]
        assert queries.counts(actor)["active"] == 1
    with act_as(place.user("county_clerk", "a")) as actor:
        assert queries.listing(actor)[0]
    for role, where in (("county_clerk", "b"), ("registrar", "a2"), ("class_teacher", "b1")):
        with act_as(place.user(role, where)) as actor:
            assert queries.listing(actor)[0] == []
            with pytest.raises(Http404):
                queries.page(actor, watch.pk)


@pytest.mark.capability("C-DRO-01")
def test_fewer_days_than_the_place_says_are_no_suspicion_and_none_is_listed_twice() -> None:
    place = make_county()
    child = make_child(place)
    with pytest.raises(DropoutError, match="连续缺课满 7 天"):
        noticed(place, child, days=2)
    noticed(place, child)
    with pytest.raises(DropoutError, match="已经在疑似辍学名单上"):
        noticed(place, child)


def test_a_teacher_has_nothing_to_do_with_other_classes() -> None:
    place = make_county()
    with pytest.raises(Http404):
        noticed(place, make_child(place, cohort=2025))
    with act_as(place.user("class_teacher", "b1")) as actor, pytest.raises(Http404):
        dropout.follow_up(actor, noticed(place, make_child(place)).pk, deed="call", text="已联系上家长")


@pytest.mark.capability("C-DRO-02")
@pytest.mark.capability("C-CHG-06")
def test_followed_told_and_back_again() -> None:
    place = make_county()
    child = make_child(place)
    watch = noticed(place, child)
    with act_as(place.user(*TEACHER)) as actor:
        dropout.follow_up(actor, watch.pk, deed="visit", text="家访, 家长同意周一送回")
        with pytest.raises(PermissionDenied):
            dropout.tell_authority(actor, watch.pk, text="上报")
    with act_as(place.user(*OFFICE)) as actor:
        watch = dropout.tell_authority(actor, watch.pk, text="")
        assert watch.reported_on == timezone.localdate()
        with pytest.raises(DropoutError, match="上报过"):
            dropout.tell_authority(actor, watch.pk, text="")
        watch = dropout.close(actor, watch.pk, result="returned", text="周一到校")
        assert watch.result == Result.RETURNED
        with pytest.raises(DropoutError, match="不再跟进"):
            dropout.follow_up(actor, watch.pk, deed="call", text="再问一次")
    with seeing_all():
        assert [e.deed for e in Entry.objects.filter(watch=watch).order_by("id")] == [
            "noticed", "visit", "report", "result",
        ]  # fmt: skip
    noticed(place, child)


@pytest.mark.capability("C-DRO-04")
def test_who_does_not_come_back_keeps_the_record_and_stays_on_the_list() -> None:
    place = make_county()
    child = make_child(place)
    watch = noticed(place, child)
    with act_as(place.user(*OFFICE)) as actor:
        with pytest.raises(DropoutError, match="要有联系或家访记录"):
            dropout.close(actor, watch.pk, result="not_returned", text="外出务工")
        dropout.follow_up(actor, watch.pk, deed="call", text="家长说外出")
        dropout.tell_authority(actor, watch.pk, text="上报")
        watch = dropout.close(actor, watch.pk, result="not_returned", text="外出务工")
        assert queries.counts(actor)["not_returned"] == 1
        link = enrolment.current(child)
        assert link is not None
        assert (link.status, link.school_id) == (Status.STUDYING, place.org("a1").pk)
        dropout.follow_up(actor, watch.pk, deed="measure", text="联合乡镇劝返")
    with seeing_all():
        assert EnrolmentState.objects.filter(person_id=child).count() == 1


@pytest.mark.capability("C-DRO-01")
def test_whose_suspension_is_over_is_shown_to_be_looked_at() -> None:
    place = make_county()
    child = make_child(place)
    tomorrow = timezone.localdate() + timedelta(days=1)
    pass_all(place, send(place, suspend_draft(place, child, end=tomorrow.isoformat()), OFFICE), FOUR)
    with act_as(place.user(*OFFICE)) as actor:
        assert queries.suspected(actor) == []
    later = timezone.now() + timedelta(days=3)
    with act_as(place.user(*OFFICE)) as actor, pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries.timezone, "localdate", lambda: later.date())
        assert [s["name"] for s in queries.suspected(actor)] == ["赵小满"]


@pytest.mark.capability("C-DRO-03")
def test_the_head_reports_the_term_once_with_the_figures_of_the_day() -> None:
    place = make_county()
    watch = noticed(place, make_child(place))
    with act_as(place.user(*OFFICE)) as actor:
        dropout.tell_authority(actor, watch.pk, text="上报")
        with pytest.raises(PermissionDenied):
            dropout.send_report(actor, words="本学期控辍情况良好")
    with act_as(place.user(*HEAD)) as actor:
        row = dropout.send_report(actor, words="本学期控辍情况良好")
        assert (row.figures["enrolled"], row.figures["watched"], row.figures["reported_in_time"]) == (1, 1, 1)
        with pytest.raises(DropoutError, match="已经报送过"):
            dropout.send_report(actor, words="再报一次")
    with act_as(place.user("county_clerk", "a")) as actor:
        assert [r["school"] for r in queries.reports(actor)] == [place.org("a1").name]
    with act_as(place.user("county_clerk", "b")):
        assert not Report.objects.exists()


@pytest.mark.capability("C-DRO-01", page="/dropout/")
def test_the_pages_from_the_teachers_form_to_the_countys_list() -> None:
    place = make_county()
    child = make_child(place)
    teacher = login(Client(), place.user(*TEACHER))
    assert "赵小满" in teacher.get("/dropout/new/").content.decode()
    day = (timezone.localdate() - timedelta(days=9)).isoformat()
    sent = teacher.post(
        "/dropout/new/", {"person": str(child), "source": "absence", "since": day, "text": "没有到校"}
    )
    assert sent.status_code == 303
    url = sent["Location"]
    assert "记一次跟进" in teacher.get(url).content.decode()
    assert teacher.post(f"{url}follow/", {"deed": "call", "text": "已联系家长"}).status_code == 303
    office = login(Client(), place.user(*OFFICE))
    assert "登记结果" in office.get(url).content.decode()
    assert office.post(f"{url}tell/", {"text": "上报"}).status_code == 303
    assert office.post(f"{url}close/", {"result": "returned", "text": "已到校"}).status_code == 303
    county = login(Client(), place.user("county_clerk", "a"))
    assert "赵小满" in county.get("/dropout/?tab=returned").content.decode()
    assert county.get("/dropout/new/").status_code == 403
    head = login(Client(), place.user(*HEAD))
    assert "报送本学期报告" in head.get("/dropout/reports/").content.decode()
    assert head.post("/dropout/reports/", {"words": "会审通过"}).status_code == 303
    assert "会审通过" in county.get("/dropout/reports/").content.decode()
