"""Proof that the vault is whole: documents, numbers and their look-up rows match both ways (`xueji verify`)."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from xueji.ground.crypto import vault
from xueji.ground.crypto.errors import VaultError
from xueji.ground.db.problems import Problem

#: The enrolment was taken back: its identity number may belong to a new record of the same child.
_UNDONE = (
    "exists (select 1 from enrolment_state u where u.person_id = {}.person_id and u.kind = 1 and u.valid_to is null"
    " and u.business = 'undo' and u.status = 18)"
)

VAULT = {
    "vault.lookup": (
        "证件没有查重索引",
        "select d.person_id from identity_document d left join identity_lookup l"
        " on l.person_id = d.person_id and l.doc_no = d.doc_no and l.id_type = d.id_type"
        # A number that was awarded to somebody else is found by its new holder; `deep` looks for it there.
        " where l.person_id is null and d.until is null",
    ),
    "vault.orphan": (
        "查重索引没有对应的证件",
        "select l.person_id from identity_lookup l left join identity_document d"
        " on l.person_id = d.person_id and l.doc_no = d.doc_no where d.person_id is null",
    ),
    "numbers.lookup": (
        "学籍号没有查重索引",
        "select n.person_id from student_number n left join number_lookup l"
        " on l.person_id = n.person_id and l.number_no = n.number_no and l.scheme = n.scheme where l.person_id is null"
        # A struck number made of a document that was awarded to somebody else went along with it.
        " and not (n.state = 'voided' and n.doc_no is not null and not exists (select 1 from identity_lookup i"
        "   where i.person_id = n.person_id and i.doc_no = n.doc_no))"
        # The child brought its number along again after its import had been undone.
        f" and not (n.state = 'voided' and {_UNDONE.format('n')})"
        # The numbers of a record that was merged find the one that goes on.
        " and not exists (select 1 from person p where p.person_id = n.person_id and p.merged_into is not null)",
    ),
    "numbers.orphan": (
        "学籍号索引没有对应的号码",
        "select l.person_id from number_lookup l left join student_number n"
        " on l.person_id = n.person_id and l.number_no = n.number_no where n.person_id is null",
    ),
    "numbers.derived": (
        "由证件产生的学籍号没有对应的证件",
        "select n.person_id from student_number n left join identity_document d"
        " on d.person_id = n.person_id and d.doc_no = n.doc_no where n.doc_no is not null and d.person_id is null",
    ),
    "numbers.current": (
        "已有学籍的学生没有当前学籍号",
        # A record that was struck off (注销) keeps its numbers as struck ones.
        "select distinct s.person_id from enrolment_state s where s.kind = 1 and s.valid_to is null and s.status <> 18"
        " and not exists (select 1 from person p where p.person_id = s.person_id and p.merged_into is not null)"
        " and not exists"
        " (select 1 from student_number n where n.person_id = s.person_id and n.scheme = 'national' and n.state = 'current')",
    ),
    "people.merged": (
        "合并指向不存在的人",
        "select p.person_id from person p left join person q on q.person_id = p.merged_into"
        " where p.merged_into is not null and q.person_id is null",
    ),
    "people.alias": (
        "合并后的档案仍有在用的证件、学籍号或查重索引",
        "select p.person_id from person p where p.merged_into is not null and (exists (select 1 from identity_lookup l"
        "  where l.person_id = p.person_id) or exists (select 1 from number_lookup l where l.person_id = p.person_id)"
        "  or exists (select 1 from identity_document d where d.person_id = p.person_id and d.until is null)"
        "  or exists (select 1 from student_number n where n.person_id = p.person_id and n.state = 'current'))",
    ),
}


def problems(c: psycopg.Connection, *, deep: bool = False, limit: int = 20) -> Iterator[Problem]:
    """Rows of the vault that break an invariant; with `deep` every document is opened and its index
    recomputed.
    """
    for check, (message, query) in VAULT.items():
        for key, *_rest in c.execute(f"{query} limit {limit}"):  # type: ignore[arg-type]
            yield Problem(check, message, str(key))
    if not deep:
        return
    with c.cursor(name="documents") as cursor:
        cursor.execute(
            f"select d.person_id, d.doc_no, d.id_type, d.sealed, l.bidx, {_UNDONE.format('d')} from identity_document d"
            " left join identity_lookup l on l.person_id = d.person_id and l.doc_no = d.doc_no"
        )
        for person, doc_no, id_type, sealed, bidx, undone in cursor:
            try:
                number = vault.open(bytes(sealed), f"identity_document.sealed:{person}:{doc_no}")
            except VaultError:
                yield Problem("vault.sealed", "证件号码无法解密", str(person))
                continue
            index = vault.index(f"id:{id_type}", number)
            if bidx is None and undone:
                continue
            if bidx is None:
                lost = c.execute(
                    "select 1 from identity_lookup where id_type = %s and bidx = %s", [id_type, index]
                ).fetchone()
                if lost is None:
                    yield Problem("vault.lookup", "证件没有查重索引", str(person))
            elif index != bytes(bidx):
                yield Problem("vault.index", "证件号码与查重索引不一致", str(person))
