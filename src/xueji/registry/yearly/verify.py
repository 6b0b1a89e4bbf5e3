"""Proof by recomputation: lists and admissions that took effect must say the same as the record (`xueji verify`)."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from xueji.ground.db.problems import Problem

#: Each query returns keys of rows that break the invariant; an empty answer is the proof.
LISTS = {
    "list.effect": (
        "名册已办结, 学生却没有对应的学籍变动",
        "select i.person_id from graduation_item i join graduation_list l using (list_id)"
        " where l.status = 'done' and i.result is not null"
        "   and not exists (select 1 from event e where e.person_id = i.person_id and e.event_id = i.event_id)",
    ),
    "list.result": (
        "名册的结论与写入的学籍状态不一致",
        "select i.person_id from graduation_item i join graduation_list l using (list_id)"
        " join (select person_id, event_id, status from enrolment_state"
        "   union all select person_id, event_id, status from enrolment_superseded) s"
        "   on s.person_id = i.person_id and s.event_id = i.event_id"
        " where i.event_id is not null and s.status <> i.result",
    ),
    "list.holder": (
        "办理中的名册没有办理单位",
        "select l.list_id from graduation_list l where l.status = 'running' and not exists (select 1 from graduation_step s"
        " where s.list_id = l.list_id and s.state = 'current' and s.seq = l.current_seq)",
    ),
    "list.once": (
        "学生同时在两份办理中的名册里",
        "select person_id from graduation_item where open group by person_id having count(*) > 1",
    ),
    "admission.effect": (
        "已接收的毕业生没有对应的入学变动",
        "select a.person_id from admission a where a.state = 'accepted' and not exists (select 1 from event e"
        " where e.person_id = a.person_id and e.event_id = a.event_id and e.school_id = a.to_school_id)",
    ),
}


def problems(c: psycopg.Connection, *, limit: int = 20) -> Iterator[Problem]:
    """Lists and admissions that break an invariant (at most `limit` of each kind)."""
    for check, (message, query) in LISTS.items():
        for key, *_rest in c.execute(f"{query} limit {limit}"):  # type: ignore[arg-type]
            yield Problem(check, message, str(key))
