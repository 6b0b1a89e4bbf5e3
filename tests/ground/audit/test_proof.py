"""Tampering by the owner with the fence down is found: by the chain, by the seals, by the anchor kept outside."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone
from tests.helpers import login, make_county

from xueji.ground.audit import anchors, archive, retention, sealing, verify
from xueji.ground.audit.commands import Who, record
from xueji.ground.audit.fence import TABLES

WHO = Who(7, "张老师", "registrar", None, "127.0.0.1")


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUEJI_AUDIT_ANCHORS", str(tmp_path / "anchors"))
    monkeypatch.setenv("XUEJI_AUDIT_ARCHIVES", str(tmp_path / "archives"))


def _write(n: int = 3, action: str = "accounts.unlock") -> None:
    with transaction.atomic():
        for i in range(n):
            record(WHO, action, object_type="user", object_id=i, before={"a": 1.5}, after={"名": "值"})


@pytest.fixture
def sealed(own_database: str, as_owner: psycopg.Connection, tmp_path: Path) -> str:
    """Four seals, an anchor on the third; the fence is down. Gives the path of the anchors."""
    for n in range(4):
        _write(3)
        assert sealing.seal() in (3, 4)
        if n == 2:
            anchors.make()
    for table in TABLES:
        as_owner.execute(f"alter table {table} disable trigger user")
    return str(tmp_path / "anchors" / anchors.FILE)


def _remake(c: psycopg.Connection) -> None:
    """What a careful operator does: changes an entry, throws all seals away and lets everything be sealed anew."""
    c.execute("update audit_entry set user_name = '李老师' where id = 2")
    c.execute("delete from audit_seal")
    while sealing.seal(most=3):
        pass


_ROW = (
    "(id, at, user_name, role, address, action, object_type, object_id, purpose, row_count) values"
    " ({id}, now() - interval '{ago}', 'x', 'x', '', 'x', '', '', '', 1)"
)


def _slip_in(c: psycopg.Connection) -> None:
    """A deed that never was, dated back, sealed by the worker like any other."""
    c.execute("insert into audit_entry " + _ROW.format(id=1000, ago="3 days"))
    sealing.seal()


#: What needs no other session: tried one after the other and rolled back.
_AT_ONCE: list[tuple[str, str, int | None]] = [
    ("update audit_entry set user_name = 'x' where id = 5", "changed", 5),
    ("update audit_entry set at = at - interval '1 s' where id = 5", "changed", 5),
    ("update audit_entry set person_ids = array[gen_random_uuid()] where id = 5", "changed", 5),
    ("delete from audit_entry where id = 5", "deleted", 5),
    (
        "update audit_entry set id = -id where id in (2, 3);"
        " update audit_entry set id = case id when -2 then 3 else 2 end where id < 0",
        "changed",
        2,
    ),
    ("insert into audit_entry " + _ROW.format(id=0, ago="3 hours"), "unsealed", 0),
    ("update audit_seal set sealed_at = sealed_at - interval '1 s' where id = 2", "seal", None),
    ("update audit_seal set day = day - 1 where id = 2", "seal", None),
    ("update audit_seal set entry_ids = array[4,5,7] where id = 2", "seal", None),
    ("update audit_seal set version = 1 where id = 2", "seal", None),
    ("delete from audit_seal where id = 2", "missing", None),
    (
        "update audit_seal set id = -id where id in (1, 2);"
        " update audit_seal set id = case id when -1 then 2 else 1 end where id < 0",
        "seal",
        None,
    ),
    ("delete from audit_seal where id >= 3; delete from audit_entry where id >= 7", "cut", None),
    ("delete from audit_seal; delete from audit_entry", "cut", None),
]


@pytest.mark.capability("C-SEC-03")
def test_whatever_the_owner_does_is_found_against_the_last_anchor(
    sealed: str, as_owner: psycopg.Connection
) -> None:
    """The officer for data protection holds a sheet with yesterday's head; the operator changes history with every
    right he has; `xueji verify audit --anchor` ends with the first broken entry in words."""
    noted = anchors.read(sealed)
    assert [a.signed for a in noted] == [True]
    with as_owner.cursor() as c:
        assert verify.first_break(c, anchors.pairs(noted)) is None
        for statement, how, entry in _AT_ONCE:
            with as_owner.transaction(force_rollback=True):
                c.execute(statement)
                found = verify.first_break(c, anchors.pairs(noted))
                assert found is not None, statement
                assert found.how == how, statement
                if entry is not None:
                    assert found.entry_id == entry, statement
                    assert str(entry or "-") in verify.in_words(found)
        assert verify.first_break(c, anchors.pairs(noted)) is None


@pytest.mark.capability("C-SEC-03")
@pytest.mark.parametrize(("tamper", "how", "entry"), [(_slip_in, "late", 1000), (_remake, "anchor", None)])
def test_what_the_sealer_was_made_to_seal_is_found_too(
    sealed: str,
    as_owner: psycopg.Connection,
    tamper: Callable[[psycopg.Connection], object],
    how: str,
    entry: int | None,
) -> None:
    _later(as_owner)
    with as_owner.cursor() as c:
        assert verify.first_break(c, anchors.pairs(anchors.read(sealed))) is None
        tamper(as_owner)
        found = verify.first_break(c, anchors.pairs(anchors.read(sealed)))
    assert found is not None
    assert (found.how, found.entry_id) == (how, entry)


def _later(c: psycopg.Connection) -> None:
    """The next hour's batch has been made: what comes now with an older date is late."""
    _write(1)
    sealing.seal(timezone.now() + timedelta(seconds=1))


def test_the_break_is_narrowed_down_by_the_anchors_that_still_hold(
    sealed: str, as_owner: psycopg.Connection
) -> None:
    anchors.make()
    noted = anchors.read(sealed)
    assert [a.seal_id for a in noted] == [3, 4]
    as_owner.execute("update audit_seal set sha256 = sm3 where id = 4")
    with as_owner.cursor() as c:
        words = [verify.in_words(b) for b in verify.breaks(c, anchors.pairs(noted))]
    assert any("封条 3 的锚点仍然相符" in w for w in words)


def test_an_anchor_that_somebody_wrote_himself_is_told_by_its_signature(sealed: str) -> None:
    path = Path(sealed)
    said = json.loads(path.read_text())
    said["sha256"] = "00" * 32
    path.write_text(json.dumps(said) + "\n")
    assert [a.signed for a in anchors.read(sealed)] == [False]
    path.write_text("{}\n")
    with pytest.raises(anchors.AnchorError):
        anchors.read(sealed)
    with pytest.raises(anchors.AnchorError):
        anchors.read("3:xyz")
    assert anchors.read("3: " + " ".join(["abcdef01"] * 8))[0].pair == (3, bytes.fromhex("abcdef01" * 8))


def test_holes_in_the_fence_are_named(own_database: str, as_owner: psycopg.Connection) -> None:
    _write(1)
    sealing.seal()
    guards = anchors.make()["guards"]

    def told() -> list[str]:
        return [p.message for p in verify.problems(as_owner, guards=guards)]

    assert told() == []
    as_owner.execute("alter table audit_entry disable trigger audit_entry_frozen")
    assert any("停用" in m and "audit_entry_frozen" in m for m in told())
    as_owner.execute("alter table audit_entry enable always trigger audit_entry_frozen")
    assert [m for m in told() if "锚点之后被改动过" in m and "audit_entry_frozen" in m], "off and on again"
    as_owner.execute("create rule deaf as on insert to audit_entry do instead nothing")
    assert any("deaf" in m for m in told())
    as_owner.execute("drop rule deaf on audit_entry")
    as_owner.execute("create table audit_child () inherits (audit_entry)")
    assert any("inherits" in m for m in told())
    as_owner.execute("drop table audit_child")
    as_owner.execute(
        "create or replace function xueji_refuse_audit_change() returns trigger language plpgsql as"
        " $$ begin return new; end $$"
    )
    assert any("xueji_refuse_audit_change" in m for m in told())


def test_no_table_of_the_audit_lets_the_owner_edit(own_database: str, as_owner: psycopg.Connection) -> None:
    _fill()
    for table in TABLES:
        for statement in (f"truncate {table} cascade", f"delete from {table}", f"update {table} set id = id"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                as_owner.execute(statement)


def test_neither_copy_nor_conflict_nor_a_replica_gets_around_the_fence(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    _fill()
    with pytest.raises(psycopg.errors.RestrictViolation):
        as_owner.execute(
            "insert into audit_entry "
            + _ROW.format(id=1, ago="0 s")
            + " on conflict (id) do update set action = 'x'"
        )
    with pytest.raises(psycopg.errors.RestrictViolation):
        as_owner.execute(
            "merge into audit_entry e using (select 1 as id) s on e.id = s.id when matched then delete"
        )
    with pytest.raises(psycopg.errors.UniqueViolation), as_owner.cursor() as c:
        with c.copy("copy audit_entry (id, at, user_name, role, address, action, object_type, object_id, purpose,"
                    " row_count) from stdin") as copy:  # fmt: skip
            copy.write_row((1, timezone.now(), "x", "x", "", "x", "", "", "", 1))
    with pytest.raises(psycopg.errors.RestrictViolation):
        as_owner.execute("select set_config('xueji.audit_archive', '999', false); delete from audit_entry")
    state = as_owner.execute(
        "select distinct tgenabled::text from pg_trigger where tgname like 'audit%'"
    ).fetchall()
    assert state == [("A",)], "they fire for replicas too"


def _fill() -> None:
    """A row in every table."""
    from xueji.ground.audit.commands import note
    from xueji.ground.audit.models import AuditArchive, AuditFinding, AuditReview
    from xueji.ground.db.scope import acting

    _write(2)
    sealing.seal()
    anchors.make()
    now = timezone.now()
    with transaction.atomic():
        note(WHO, "people.view")
        with acting("audit"):
            finding = AuditFinding.objects.create(
                made_at=now, day=now.date(), rule="day", user_id=1, user_name="x", role="x", figures={}
            )
            AuditReview.objects.create(
                finding=finding, at=now, user_id=1, user_name="x", verdict="fine", note="x"
            )
            AuditArchive.objects.create(
                made_at=now, month=now.date(), kind="look", first_id=5, last_id=5, entry_ids=[5], file_name="x",
                size=1, sha256=b"", sm3=b"", signature={},
            )  # fmt: skip


# --- archives --------------------------------------------------------------------------------------------------


@pytest.fixture
def old(own_database: str, as_owner: psycopg.Connection) -> list[archive.Due]:
    """Four entries of four years ago in two classes, and three of today; all sealed."""
    _write(2)
    _write(2, "people.view")
    as_owner.execute("alter table audit_entry disable trigger user")
    as_owner.execute("update audit_entry set at = at - interval '4 years'")
    as_owner.execute("alter table audit_entry enable always trigger audit_entry_frozen")
    as_owner.execute("alter table audit_entry enable always trigger audit_entry_kept")
    _write(3)
    sealing.duty_alone()
    return archive.due()


def test_closed_months_go_into_signed_files_and_only_then_out_of_the_table(
    old: list[archive.Due], as_owner: psycopg.Connection
) -> None:
    """The operator runs `xueji audit archive` and `xueji audit drop`; the chain still verifies, with the stubs alone."""
    assert {d.kind for d in old} == {"rights", "look"}
    made = archive.export_due(anchors.SYSTEM)
    assert sorted(len(a.entry_ids) for a in made) == [2, 2]
    assert archive.due() == []
    for a in made:
        assert list(archive.check(retention.archives_dir() / a.file_name)) == []
    with pytest.raises(psycopg.errors.RestrictViolation):
        as_owner.execute("delete from audit_entry where id = 1")
    assert [(gone, problems) for _n, gone, problems in archive.drop(as_owner)] == [(2, []), (2, [])]
    assert list(archive.drop(as_owner)) == []
    left = as_owner.execute(
        "select min(id), count(*) from audit_entry where action <> 'audit.archive.drop'"
    ).fetchone()
    assert left is not None
    assert left[0] == 5
    sealing.duty_alone()
    with as_owner.cursor() as c:
        assert verify.first_break(c) is None
    assert list(verify.problems(as_owner)) == []


def test_a_stub_that_nobody_signed_hides_nothing(
    old: list[archive.Due], as_owner: psycopg.Connection
) -> None:
    archive.export_due(anchors.SYSTEM)
    for table in ("audit_entry", "audit_archive"):
        as_owner.execute(f"alter table {table} disable trigger user")
    as_owner.execute(
        "update audit_archive set entry_ids = entry_ids || 6::bigint, last_id = 6 where first_id = 1"
    )
    as_owner.execute("delete from audit_entry where id = 6")
    with as_owner.cursor() as c:
        found = list(verify.breaks(c))
    assert {b.how for b in found} == {"archive", "deleted"}


@pytest.mark.parametrize(
    "harm",
    [
        lambda lines: [*lines[:-2], lines[-2].replace("张老师", "李老师"), lines[-1]],
        lambda lines: [*lines[:2], *lines[3:]],
        lambda lines: lines[:-1],
        lambda lines: [lines[0].replace('"look"', '"rights"').replace('"rights"', '"change"'), *lines[1:]],
        lambda lines: [*lines, lines[-2]],
        lambda lines: ["no json"],
    ],
)
def test_a_file_that_was_touched_is_found_and_its_entries_stay(
    old: list[archive.Due], as_owner: psycopg.Connection, harm: Callable[[list[str]], list[str]]
) -> None:
    made = archive.export_due(anchors.SYSTEM)
    path = retention.archives_dir() / made[0].file_name
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    path.write_bytes(gzip.compress(("\n".join(harm(lines)) + "\n").encode()))
    assert list(archive.check(path))
    dropped = {name: gone for name, gone, _p in archive.drop(as_owner)}
    assert dropped[path.name] == 0
    assert sum(dropped.values()) == 2


def test_nothing_younger_than_six_months_is_ever_dropped(
    own_database: str, as_owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xueji import config

    _write(2)
    sealing.seal()
    day = timezone.localdate()
    due = archive.Due(day.replace(day=1), "rights", ("accounts.unlock",))
    assert archive.export(due, anchors.SYSTEM) is not None
    with pytest.raises(psycopg.errors.CheckViolation, match="six months"):
        list(archive.drop(as_owner))
    monkeypatch.setenv("XUEJI_AUDIT_MONTHS", "3")
    with pytest.raises(config.ConfigError):
        retention.months("look")


def test_each_class_of_entries_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    day = timezone.datetime(2026, 11, 22).date()
    assert retention.cutoff("look", day).isoformat() == "2023-11-01"
    monkeypatch.setenv("XUEJI_AUDIT_MONTHS_LOOK", "6")
    assert retention.cutoff("look", day).isoformat() == "2026-05-01"
    assert retention.cutoff("change", day).isoformat() == "2023-11-01"


# --- the pages of the proof ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_anchor_is_made_printed_and_held_against_the_chain_on_the_page(client) -> None:
    """The audit administrator opens the page of the proof, makes an anchor, prints it for the head of the office, and
    next month types it in: the chain holds."""
    from urllib.parse import quote

    _write(3)
    sealing.seal()
    place = make_county()
    login(client, place.user("audit_admin", "province"))
    client.post("/audit/anchor/")
    page = client.get("/audit/proof/").content.decode()
    number = page.split("/anchor.pdf")[0].rpartition("/")[2]
    paper = client.get(f"/audit/anchor/{number}/anchor.pdf")
    assert paper.content.startswith(b"%PDF")
    assert (
        paper["Content-Disposition"].startswith("attachment")
        and quote("日志锚点") in paper["Content-Disposition"]
    )
    said = json.loads(client.get(f"/audit/anchor/{number}/anchor.json").content)
    answer = client.post("/audit/verify/", {"anchor": f"{said['seal']}: {said['sha256']}"}, follow=True)
    assert "与锚点" in answer.content.decode()
    answer = client.post("/audit/verify/", {"anchor": f"{said['seal']}: {'0' * 64}"}, follow=True)
    assert "被重做" in answer.content.decode()
    answer = client.post("/audit/verify/", {"anchor": "x"}, follow=True)
    assert "编号:摘要" in answer.content.decode()
