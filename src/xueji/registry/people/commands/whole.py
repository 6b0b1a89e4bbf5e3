"""A person's own data in full, for a copy to the person or the guardian (个人信息保护法 45): the second door behind the masks.

Reads under row-level security, so that what a court keeps from a guardian is not in the copy; writes the audit entry in
the same transaction. Other people's data (the other guardian's telephone) stay masked.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.identity import SEX_WORDS
from xueji.ground.standards.masking import mask_identity, mask_name, mask_phone

from .. import numbering, places
from ..queries.cards import code_label


def whole(
    actor: Any, person_id: uuid.UUID, *, guardian_no: int | None, contact: bool = True, purpose: str
) -> dict[str, Any]:
    """Identity, numbers, form and family of a child as plain values.

    `guardian_no` is who receives it (None: the child itself): that guardian's own data are given in full, others' masked.
    `contact` False leaves address, telephones and family out. For the family's own account, or staff who release a copy
    at the counter (`copy.release`). Raises PermissionDenied, Http404.
    """
    if actor.is_portal:
        if person_id not in actor.persons:
            raise Http404
    elif not actor.can("copy.release"):
        raise PermissionDenied
    person = _row(
        "select name, former_name, sex, birth_date, ethnicity, nationality from person where person_id = %s",
        person_id,
    )
    if person is None:
        raise Http404
    out: dict[str, Any] = {
        "姓名": person[0],
        "曾用名": person[1],
        "性别": SEX_WORDS.get(person[2], ""),
        "出生日期": person[3].isoformat(),
        "民族": code_label("ethnicity", person[4]),
        "国籍/地区": code_label("country_gb2659", person[5]),
        "证件": _documents(person_id),
        "学籍号": _numbers(person_id),
        "基本信息": _profile(person_id) if contact else {},
        "家庭成员": _family(person_id, guardian_no) if contact else [],
    }
    record(
        actor,
        "people.copy",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        purpose=purpose,
        after={"guardian_no": guardian_no, "contact": contact},
    )
    return out


def _row(sql: str, person_id: uuid.UUID) -> tuple[Any, ...] | None:
    with connection.cursor() as c:
        c.execute(sql, [person_id])
        row: tuple[Any, ...] | None = c.fetchone()
    return row


def _rows(sql: str, person_id: uuid.UUID) -> list[tuple[Any, ...]]:
    with connection.cursor() as c:
        c.execute(sql + " limit 100", [person_id])
        return list(c.fetchall())


def _documents(person_id: uuid.UUID) -> list[dict[str, str]]:
    return [
        {
            "类型": code_label("id_type", kind),
            "号码": vault.open(sealed, places.document(person_id, no)),
            "至": until.date().isoformat() if until else "",
        }
        for no, kind, sealed, until in _rows(
            "select doc_no, id_type, sealed, until from identity_document where person_id = %s order by doc_no desc",
            person_id,
        )
    ]


def _numbers(person_id: uuid.UUID) -> list[dict[str, str]]:
    words = {"current": "在用", "former": "曾用", "voided": "作废"}
    out = []
    for no, state, sealed, doc_no, doc_sealed in _rows(
        "select n.number_no, n.state, n.sealed, n.doc_no, d.sealed from student_number n"
        " left join identity_document d on d.person_id = n.person_id and d.doc_no = n.doc_no"
        " where n.person_id = %s order by n.number_no desc",
        person_id,
    ):
        if doc_no is not None and doc_sealed is not None:
            number = numbering.formal(vault.open(doc_sealed, places.document(person_id, doc_no)))
        else:
            number = vault.open(sealed, places.number(person_id, no))
        out.append({"号码": number, "状态": words.get(state, state)})
    return out


def _profile(person_id: uuid.UUID) -> dict[str, str]:
    row = _row("select data, sealed from person_profile where person_id = %s", person_id)
    if row is None:
        return {}
    data = row[0] if isinstance(row[0], dict) else json.loads(row[0] or "{}")
    values = data | (vault.open_json(row[1], places.profile(person_id)) if row[1] else {})
    out = {}
    for spec in national_form.fields():
        raw = str(values.get(spec.key) or "")
        if raw:
            out[spec.name] = code_label(spec.codeset, raw) if spec.codeset else raw
    return out


def _family(person_id: uuid.UUID, guardian_no: int | None) -> list[dict[str, str]]:
    out = []
    for no, name, relation, legal, sealed in _rows(
        "select guardian_no, name, relation, is_guardian, sealed from guardian where person_id = %s"
        " order by guardian_no",
        person_id,
    ):
        values = vault.open_json(sealed, places.guardian(person_id, no)) if sealed else {}
        own = no == guardian_no
        one = {
            "姓名": name if own else mask_name(name),
            "关系": code_label("guardian_relation_template", relation),
            "监护人": "是" if legal else "否",
            "电话": values.get("phone", "") if own else mask_phone(values.get("phone")),
        }
        if own:
            one |= {
                "证件号": values.get("id_number", ""),
                "住址": values.get("address", ""),
                "工作单位": values.get("employer", ""),
                "职务": values.get("position", ""),
            }
        elif values.get("id_number"):
            one["证件号"] = mask_identity(values["id_number"])
        out.append({k: v for k, v in one.items() if v})
    return out
