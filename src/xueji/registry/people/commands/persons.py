"""A person's row and what hangs on it: names, key facts, profile, guardians, photo, and who may read it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import changed, record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.duty import commands as duty
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.names import normalise_name
from xueji.ground.standards.pinyin import pinyin_of

from .. import locks, places
from ..errors import BadValue
from . import _rows, identity, numbers
from .guarding import MEMBER, refuse_withheld


@dataclass(frozen=True)
class NewGuardian:
    """A family member as the form gives it; `sealed` has the keys of `places.GUARDIAN_KEYS`."""

    name: str
    relation: str
    relation_note: str = ""
    is_guardian: bool = True
    sealed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Newcomer:
    """A child to be recorded. `profile` has the national form's keys; `id_number` may be empty only without
    papers.
    """

    name: str
    sex: str
    birth_date: date
    id_type: str = ""
    id_number: str = ""
    ethnicity: str = ""
    nationality: str = "CHN"
    former_name: str = ""
    profile: Mapping[str, str] = field(default_factory=dict)
    guardians: Sequence[NewGuardian] = ()
    person_id: uuid.UUID | None = None


def add_person(
    actor: Any,
    new: Newcomer,
    *,
    division: str,
    readers: Sequence[int],
    klasses: Sequence[int] = (),
    at: datetime | None = None,
    event_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Record one child with its paper and its temporary number (C-NUM-01, C-NUM-13); returns its key.

    `division` is the school's, `readers` school and authority. The enrolment is opened by the caller. Raises
    `BadValue` for what the standards rule out, `IdentityTaken` if the identity number is or was anybody
    else's.
    """
    if not actor.can("student.edit"):
        actor.require("case.decide")  # who decides a transfer from elsewhere records the child
    at = at or timezone.now()
    name = clean_name(new.name)
    person = _rows.Locked(
        new.person_id or uuid.uuid4(),
        name,
        new.former_name,
        new.sex,
        new.birth_date,
        "unchecked",
        list(readers),
        list(klasses),
    )
    value = ""
    if new.id_type:
        value = identity.checked(new.id_type, new.id_number, sex=new.sex, birth=new.birth_date).value
    keys = pinyin_of(name)
    with transaction.atomic(), acting("writer"):
        _rows.insert(
            "person",
            person_id=person.person_id,
            name=name,
            pinyin=keys.full,
            initials=keys.initials,
            pinyin_sort=keys.sort,
            former_name=clean_name(new.former_name) if new.former_name else "",
            sex=new.sex,
            birth_date=new.birth_date,
            ethnicity=new.ethnicity,
            nationality=new.nationality,
            check_state="unchecked",
            version=1,
            created_at=timezone.now(),
            readers=person.readers,
            klasses=person.klasses,
        )
        if value:
            identity.write_document(person, new.id_type, value, at, doc_no=1)
        numbers.write_temporary(person, division, at=at, event_id=event_id)
        _write_profile(person, new.profile)
        for no, guardian in enumerate(new.guardians, 1):
            _write_guardian(person, no, guardian)
    record(actor, "people.add", object_type="person", object_id=person.person_id, person_id=person.person_id)
    return person.person_id


def change_name(actor: Any, person_id: uuid.UUID, new_name: str, *, event_id: uuid.UUID, at: datetime) -> str:
    """Change the name by a decided case (C-INF-04); the former name is kept. Returns the name as it is
    stored.

    Dots and rare characters stay as they are. Raises `BadValue`, Http404. The caller brings the rosters
    along.
    """
    actor.require("case.decide")
    name = clean_name(new_name)
    keys = pinyin_of(name)
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        person = _rows.lock(person_id)
        if name == person.name:
            raise BadValue(_("新姓名与现在的姓名相同"))
        _rows.insert(
            "person_name",
            person_id=person_id,
            name_no=_rows.next_no("person_name", "name_no", person_id),
            name=person.name,
            until=at,
            event_id=event_id,
            readers=person.readers,
            klasses=person.klasses,
        )
        c.execute(
            "update person set name = %s, pinyin = %s, initials = %s, pinyin_sort = %s, former_name = %s,"
            " version = version + 1 where person_id = %s",
            [name, keys.full, keys.initials, keys.sort, person.name, person_id],
        )
    record(
        actor,
        "people.name.change",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        before={"name": person.name},
        after={"name": name},
    )
    return name


def change_birth_sex(
    actor: Any,
    person_id: uuid.UUID,
    *,
    event_id: uuid.UUID,
    at: datetime,
    birth_date: date | None = None,
    sex: str | None = None,
) -> None:
    """Correct birth date or sex by a decided case. Raises `BadValue`, Http404.

    Correct these before the identity number when all change together: a new number must agree with them. The
    caller brings rosters and head-counts along.
    """
    actor.require("case.decide")
    if sex is not None and sex not in {"1", "2"}:
        raise BadValue(_("请选择性别"))
    if birth_date is not None and birth_date > timezone.localdate():
        raise BadValue(_("出生日期还没有到"))
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        person = _rows.lock(person_id)
        new: dict[str, Any] = {"birth_date": birth_date or person.birth_date, "sex": sex or person.sex}
        c.execute(
            "update person set birth_date = %s, sex = %s, version = version + 1 where person_id = %s",
            [new["birth_date"], new["sex"], person_id],
        )
    record(
        actor,
        "people.birth_sex.change",
        object_type="person",
        object_id=event_id,
        person_id=person_id,
        before={"birth_date": person.birth_date.isoformat(), "sex": person.sex},
        after={"birth_date": str(new["birth_date"]), "sex": new["sex"], "from": at.isoformat()},
    )


def set_profile(actor: Any, person_id: uuid.UUID, values: Mapping[str, str]) -> None:
    """Write fields of the national form that are not key information (C-INF); the others keep their value.

    Sensitive fields go into the sealed part. Raises `BadValue` for a key field or an unknown one, Http404.
    """
    actor.require("student.edit")
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"):
        person = _rows.lock(person_id)
        allowed = {kind: _authorised(actor, person, kind) for kind in sorted({kind_of(k) for k in values})}
        difference = _keep_profile(person, values)
        for kind, authorisation in allowed.items():
            named = [k for k in values if kind_of(k) == kind]
            duty.keep_edit(actor, person_id, kind, named, authorisation)
    record(
        actor,
        "people.profile.set",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        before=difference["before"],
        after=difference["after"]
        | {"fields": sorted(values), "authorisations": sorted({a for a in allowed.values() if a})},
    )


#: Groups of the national form, as the head authorises their edit; all others are "basic".
_KIND_OF_GROUP = {"个人联系信息": "contact", "个人扩展信息": "extended", "交通方式": "extended"}


def kind_of(key: str) -> str:
    """Which kind of the head's authorisation a field of the national form needs (`duty.words.KINDS`)."""
    try:
        return _KIND_OF_GROUP.get(national_form.field(key).group, "basic")
    except KeyError:
        return "basic"


def _authorised(actor: Any, person: _rows.Locked, kind: str) -> int | None:
    """The head's authorisation for this edit (C-ROL-04). Raises PermissionDenied with the words whom to ask, `BadValue`
    while the child's data are under review (C-SUB-01).
    """
    locks.require_open([person.person_id])
    return duty.require_edit(actor, person.person_id, kind, readers=person.readers, klasses=person.klasses)


#: Fields of the national form with a column of the person that a decided case may change without being key facts.
PERSON_FIELDS = ("ethnicity", "nationality")


def change_profile(
    actor: Any, person_id: uuid.UUID, values: Mapping[str, str], *, event_id: uuid.UUID, at: datetime
) -> None:
    """Change general information by a decided case (一般信息变更, C-INF-01, C-INF-03): the profile, and of the person
    ethnicity and nationality. Raises `BadValue` for a key field or an unknown one, Http404.
    """
    actor.require("case.decide")
    _rows.require_sight(person_id)
    own = {k: v for k, v in values.items() if k in PERSON_FIELDS}
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        person = _rows.lock(person_id)
        locks.require_open([person_id])
        difference = _keep_profile(person, {k: v for k, v in values.items() if k not in own})
        for key, value in own.items():
            c.execute(f"update person set {key} = %s where person_id = %s", [value, person_id])
    record(
        actor,
        "people.profile.change",
        object_type="person",
        object_id=event_id,
        person_id=person_id,
        before=difference["before"],
        after=difference["after"] | own | {"fields": sorted(values), "from": at.isoformat()},
    )


def _keep_profile(person: _rows.Locked, values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Write fields over those that are kept; the others stay. In the writing role, with the person locked."""
    refuse_withheld(person.person_id, [k for k, v in values.items() if v])
    data, secret = split_profile(values)
    old: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    with connection.cursor() as c:
        c.execute("select data, sealed from person_profile where person_id = %s", [person.person_id])
        row = c.fetchone()
        if row is None:
            _write_profile(person, values)
        else:
            old = row[0] if isinstance(row[0], dict) else json.loads(row[0])
            place = places.profile(person.person_id)
            kept = vault.open_json(row[1], place) if row[1] else {}
            c.execute(
                "update person_profile set data = %s::jsonb, sealed = %s where person_id = %s",
                [
                    json.dumps(old | data, ensure_ascii=False),
                    vault.seal_json(kept | secret, place) if kept or secret else None,
                    person.person_id,
                ],
            )
        c.execute("update person set version = version + 1 where person_id = %s", [person.person_id])
    return changed({k: old.get(k, "") for k in data}, data, {k: (kept.get(k), v) for k, v in secret.items()})


def split_profile(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """National form values as (open, to be sealed). Raises `BadValue` for keys that live elsewhere."""
    data: dict[str, str] = {}
    secret: dict[str, str] = {}
    for key, value in values.items():
        try:
            spec = national_form.field(key)
        except KeyError:
            raise BadValue(_("没有这个信息项：%(key)s") % {"key": key}) from None
        if spec.is_key or spec.member:
            raise BadValue(_("“%(name)s”不能在这里修改") % {"name": spec.name})
        (secret if spec.sensitive in places.SEALED_KINDS else data)[key] = value
    return data, secret


def set_guardian(actor: Any, person_id: uuid.UUID, guardian_no: int | None, new: NewGuardian) -> int:
    """Add (`guardian_no` None) or rewrite a family member; returns its number. Raises `BadValue`, Http404."""
    actor.require("student.edit")
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        person = _rows.lock(person_id)
        authorisation = _authorised(actor, person, "family")
        refuse_withheld(person_id, [MEMBER + k for k, v in new.sealed.items() if v])
        if guardian_no is None:
            guardian_no = _rows.next_no("guardian", "guardian_no", person_id)
            _write_guardian(person, guardian_no, new)
            # A home that is kept secret stays so for whoever joins the family later.
            c.execute(
                "update guardian set guarded = true where person_id = %s and guardian_no = %s and exists"
                " (select 1 from guardian g where g.person_id = %s and g.guarded)",
                [person_id, guardian_no, person_id],
            )
        else:
            c.execute(
                "update guardian set name = %s, relation = %s, relation_note = %s, is_guardian = %s,"
                " sealed = %s where person_id = %s and guardian_no = %s",
                [
                    clean_name(new.name),
                    new.relation,
                    new.relation_note,
                    new.is_guardian,
                    sealed_guardian(person_id, guardian_no, new),
                    person_id,
                    guardian_no,
                ],
            )
            if not c.rowcount:
                raise BadValue(_("没有这位家庭成员"))
        duty.keep_edit(actor, person_id, "family", ["name", "relation", *new.sealed], authorisation)
    record(
        actor,
        "people.guardian.set",
        object_type="guardian",
        object_id=guardian_no,
        person_id=person_id,
        after={
            "relation": new.relation,
            "is_guardian": new.is_guardian,
            "fields": sorted(new.sealed),
            "authorisation": authorisation,
        },
    )
    return guardian_no


def set_photo(
    actor: Any,
    person_id: uuid.UUID,
    file_id: uuid.UUID,
    *,
    taken_on: date | None = None,
    source: str = "upload",
) -> None:
    """Make a stored picture (files room) the photo in force (C-COL-09). Raises Http404."""
    actor.require("student.edit")
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        person = _rows.lock(person_id)
        authorisation = _authorised(actor, person, "photo")
        c.execute(
            "insert into person_photo (person_id, file_id, taken_on, source, readers, klasses)"
            " values (%s, %s, %s, %s, %s, %s) on conflict (person_id) do update set"
            " file_id = excluded.file_id, taken_on = excluded.taken_on, source = excluded.source",
            [person_id, file_id, taken_on, source, person.readers, person.klasses],
        )
        duty.keep_edit(actor, person_id, "photo", ["photo"], authorisation)
    record(
        actor,
        "people.photo.set",
        object_type="file",
        object_id=file_id,
        person_id=person_id,
        after={"source": source, "authorisation": authorisation},
    )


def rehome(person_ids: Sequence[uuid.UUID], *, readers: Sequence[int], klasses: Sequence[int]) -> None:
    """Say who may read the whole record of these people from now on: called by enrolment with each step.

    One statement a table, whatever the number of people; the file of the photo in force goes along.
    """
    given: dict[str, Any] = {"ids": list(person_ids), "readers": list(readers), "klasses": list(klasses)}
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        for table in _rows.READABLE:
            c.execute(
                f"update {table} set readers = %(readers)s, klasses = %(klasses)s"
                " where person_id = any(%(ids)s::uuid[])",
                given,
            )
        c.execute(
            "update stored_file f set readers = %(readers)s, klasses = %(klasses)s from person_photo p"
            " where p.person_id = any(%(ids)s::uuid[]) and f.id = p.file_id and f.purpose = 'photo'",
            given,
        )


def rehome_groups(groups: Sequence[tuple[Sequence[uuid.UUID], Sequence[int], Sequence[int]]]) -> None:
    """`rehome` for several sets of people (people, readers, classes) at once: one statement a table, however many
    classes a list fills.
    """
    if len(groups) <= 1:
        for persons, readers, klasses in groups:
            rehome(persons, readers=readers, klasses=klasses)
        return
    told = [
        {"ids": [str(p) for p in persons], "readers": list(readers), "klasses": list(klasses)}
        for persons, readers, klasses in groups
    ]
    given: dict[str, Any] = {
        "groups": json.dumps(told),
        "ids": [p for persons, *_more in groups for p in persons],
    }
    new = (
        "(select x::uuid as person_id, g.readers, g.klasses from (select e -> 'ids' as ids,"
        " array(select jsonb_array_elements_text(e -> 'readers')::int) as readers,"
        " array(select jsonb_array_elements_text(e -> 'klasses')::int) as klasses"
        " from jsonb_array_elements(%(groups)s::jsonb) e) g cross join lateral jsonb_array_elements_text(g.ids) x) n"
    )
    # The keys stand there twice, so that the planner reads them by index and not whole tables.
    mine = "t.person_id = any(%(ids)s::uuid[]) and n.person_id = t.person_id"
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        for table in _rows.READABLE:
            c.execute(
                f"update {table} t set readers = n.readers, klasses = n.klasses from {new} where {mine}",
                given,
            )
        c.execute(
            f"update stored_file f set readers = n.readers, klasses = n.klasses from person_photo t, {new}"
            f" where {mine} and f.id = t.file_id and f.purpose = 'photo'",
            given,
        )


# --- parts -------------------------------------------------------------------------------------------------


def clean_name(raw: str) -> str:
    """A name as it is stored. Raises `BadValue`."""
    found = normalise_name(raw)
    for problem in found.problems:
        if problem.severity == "error":
            raise BadValue(problem.message)
    return found.value


def _write_profile(person: _rows.Locked, values: Mapping[str, str]) -> None:
    data, secret = split_profile(values)
    _rows.insert(
        "person_profile",
        person_id=person.person_id,
        data=json.dumps(data, ensure_ascii=False),
        sealed=vault.seal_json(secret, places.profile(person.person_id)) if secret else None,
        readers=person.readers,
        klasses=person.klasses,
    )


def sealed_guardian(person_id: uuid.UUID, no: int, new: NewGuardian) -> bytes | None:
    """What lies sealed of a family member; None when there is nothing. Raises `BadValue` for an unknown key."""
    unknown = set(new.sealed) - set(places.GUARDIAN_KEYS)
    if unknown:
        raise BadValue(_("没有这个信息项：%(key)s") % {"key": "、".join(sorted(unknown))})
    kept = {k: v for k, v in new.sealed.items() if v}
    return vault.seal_json(kept, places.guardian(person_id, no)) if kept else None


def _write_guardian(person: _rows.Locked, no: int, new: NewGuardian) -> None:
    _rows.insert(
        "guardian",
        person_id=person.person_id,
        guardian_no=no,
        name=clean_name(new.name),
        relation=new.relation,
        relation_note=new.relation_note,
        is_guardian=new.is_guardian,
        sealed=sealed_guardian(person.person_id, no, new),
        since=timezone.localdate(),
        readers=person.readers,
        klasses=person.klasses,
    )
