"""The only code that writes units and posts inside a school: open, close, appoint, end (C-ORG-10)."""

from __future__ import annotations

from datetime import date, timedelta

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import queries
from ..errors import PostError
from ..models import PARTS, Post, SchoolUnit, UnitKind


def _school(actor: Actor) -> tuple[int, int]:
    actor.require("post.edit")
    if actor.org_kind != "school" or actor.org_id is None or actor.county_id is None:
        raise PermissionDenied
    return actor.org_id, actor.county_id


def open_unit(actor: Actor, *, kind: str, name: str, phone: str = "") -> SchoolUnit:
    """A unit of the actor's school. Raises PostError (no such kind, no name, the name is taken), PermissionDenied."""
    org, county = _school(actor)
    if kind not in UnitKind.values or not name.strip():
        raise PostError(_("请选择部门类别并填写名称"))
    unit = SchoolUnit(
        org_id=org, county_id=county, kind=kind, name=name.strip()[:50], phone=phone.strip()[:30]
    )
    with transaction.atomic():
        try:
            with transaction.atomic(), acting("writer"):
                unit.save(force_insert=True)
        except IntegrityError as error:
            raise PostError(_("已有部门“%s”") % unit.name) from error
        record(
            actor, "posts.unit.open", object_type="school_unit", object_id=unit.pk, after={"name": unit.name}
        )
    return unit


def close_unit(actor: Actor, unit_id: int) -> None:
    """Close a unit in which nobody holds a post any more. Raises Http404, PostError, PermissionDenied."""
    org, _county = _school(actor)
    with transaction.atomic():
        with acting("writer"):
            unit = (
                SchoolUnit.objects.select_for_update().filter(pk=unit_id, org_id=org, closed_on=None).first()
            )
            if unit is None:
                raise Http404
            if Post.objects.filter(unit=unit, until=None).exists():
                raise PostError(_("“%s”还有在岗人员, 先结束他们的任职") % unit.name)
            unit.closed_on = today()
            unit.save(update_fields=["closed_on"])
        record(
            actor,
            "posts.unit.close",
            object_type="school_unit",
            object_id=unit.pk,
            before={"name": unit.name},
        )


def appoint(
    actor: Actor,
    unit_id: int,
    *,
    title: str,
    since: date,
    user_id: int | None = None,
    name: str = "",
    phone: str = "",
    part: str = "",
) -> Post:
    """Put a colleague, by account or by name, into a post. With a `part` the account must hold that role here; who had
    the part until now keeps the post without it. Raises Http404, PostError, PermissionDenied.
    """
    org, county = _school(actor)
    people = queries.colleagues(actor)
    if user_id is not None:
        name = people.get(user_id, ("", frozenset()))[0]
    if not name.strip() or not title.strip():
        raise PostError(_("请选择或填写人员, 并填写岗位名称"))
    if part and part not in PARTS:
        raise PostError(_("请选择承担的环节"))
    if part and (user_id is None or part not in people[user_id][1]):
        raise PostError(_("承担“%s”的人要有对应身份的账号, 请先在“用户与权限”里授予") % PARTS[part])
    if not date(1980, 1, 1) <= since <= today() + timedelta(days=31):
        raise PostError(_("任职日期最晚一个月后"))
    with transaction.atomic():
        with acting("writer"):
            unit = (
                SchoolUnit.objects.select_for_update().filter(pk=unit_id, org_id=org, closed_on=None).first()
            )
            if unit is None:
                raise Http404
            if part:
                Post.objects.filter(org_id=org, part=part, until=None).update(part="")
            try:
                with transaction.atomic():
                    post = Post.objects.create(
                        unit=unit,
                        org_id=org,
                        county_id=county,
                        title=title.strip()[:40],
                        user_id=user_id,
                        name=name.strip()[:50],
                        phone=phone.strip()[:30],
                        part=part,
                        since=since,
                        named_name=actor.user_name,
                    )
            except IntegrityError as error:
                raise PostError(_("刚才已有人登记, 请刷新后再看")) from error
        record(
            actor,
            "posts.post.appoint",
            object_type="school_post",
            object_id=post.pk,
            after={"unit": unit.name, "title": post.title, "name": post.name, "part": part},
        )
    return post


def end(actor: Actor, post_id: int) -> None:
    """The post ends today. Raises Http404, PermissionDenied."""
    org, _county = _school(actor)
    with transaction.atomic():
        with acting("writer"):
            post = Post.objects.select_for_update().filter(pk=post_id, org_id=org, until=None).first()
            if post is None:
                raise Http404
            post.until = max(today(), post.since)
            post.save(update_fields=["until"])
        record(
            actor, "posts.post.end", object_type="school_post", object_id=post.pk,
            before={"title": post.title, "name": post.name, "part": post.part},
        )  # fmt: skip
