"""Where each outcome of a rule comes from, for each kind of case: a real place's rule, else an invented county's.

Every kind has two children with a draft each, one with nothing but what the form suggests and one filled in well with
all its papers, and a third child whose case meets another. A unit follows the packs that it is bound to by name, so
the same draft is looked at under the rules of one place after the other.
"""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from tests.bed import cluster
from tests.helpers import act_as, seeing_all
from tests.model import recipes
from tests.model.machine import World
from tests.registry.changes.world import identity

from xueji.ground.policy.findings import Finding
from xueji.ground.policy.library import library
from xueji.registry.changes import checks, twins
from xueji.registry.changes import commands as cases
from xueji.registry.changes.commands._base import material
from xueji.registry.changes.kinds import KINDS
from xueji.registry.changes.models import Case, CaseStatus

#: outcome -> the verdict of the engine, and the look of its line.
OUTCOMES = {
    "blocked": ("block", "block"),
    "asked": ("ask", "ask"),
    "warned": ("warn", "warn"),
    "routed": ("route", "block"),
    "papers": ("need_docs", "block"),
}
_RULES = {
    "blocked": ('need = { cmp = ["$school.id", "==", "-"] }', "block", "本县暂不办理这项业务"),
    "asked": (
        'need = { cmp = ["$case.trial_asked", "==", true] }',
        "block",
        "办理前要确认家长是否已知情",
    ),
    "warned": (
        'need = { cmp = ["$school.id", "==", "-"] }',
        "warn",
        "办理后请在一周内告知家长",
    ),
    "routed": (
        'need = { cmp = ["$school.id", "==", "-"] }',
        "route:correct_key",
        "请先办理关键信息变更",
    ),
    "papers": ('need = { docs = ["试验证明"] }', "need_docs", "办理时要有试验证明"),
}


#: Children by what their draft is for.
_NAMES = {"bare": "周以宁", "full": "周以安", "met": "周以和"}


def pack_of(outcome: str) -> str:
    """The name of the invented county whose one rule has this outcome for every kind of case."""
    return f"cn-98-{list(_RULES).index(outcome) + 1:02d}01"


def text_of(outcome: str) -> str:
    """An invented county's pack."""
    need, otherwise, message = _RULES[outcome]
    article = list(_RULES).index(outcome) + 3
    # The nation forbids places to ask for more papers when a child moves school: its own rule is met there.
    kinds = [k for k in KINDS if outcome != "papers" or k != "transfer"]
    events = json.dumps([f"{kind}.apply" for kind in kinds])
    return f"""# INVENTED FOR TESTS. The county, its rules and their number do not exist and have no force.
[pack]
id = "{pack_of(outcome)}"
title = "试验县{article}(虚构)"
tier = "county"
extends = "cn"
levels = ["K12"]
version = "2026.11"
invented = true

[[source]]
id = "X1"
title = "试验县学籍办理细则(虚构)"
doc_no = "试教〔2026〕{article}号"
authority = "notice-county"
issued = 2026-03-01

[[field]]
id = "case.trial_asked"
type = "bool"
label = "家长是否已知情"

[[doc]]
id = "试验证明"
label = "试验证明"
supplied_by = "family"

[[rule]]
id = "TRIAL-{article}"
on = {events}
{need}
else = "{otherwise}"
force = "general"
from = 2026-03-01
cite = "X1#{article}"
phrase = "{message}"
message = "{message}"
"""


def put_in_force(database: str) -> None:
    """The invented counties' packs, approved as if two people of the authority had done it."""
    with cluster().connect(database) as c, c.transaction():
        org = c.execute("select id from org order by id limit 1").fetchone()
        assert org is not None
        for outcome in _RULES:
            text = text_of(outcome)
            sha = hashlib.sha256(text.encode()).hexdigest()
            c.execute(
                "insert into policy_version (sha256, pack, title, version, text, added_at)"
                " values (%s, %s, '试验县', '2026.11', %s, now())",
                [sha, pack_of(outcome), text],
            )
            stage = c.execute(
                "insert into policy_stage (org_id, pack, sha256, base, text, effective_on, note, state, staged_by,"
                " staged_name, staged_at, decided_by, decided_name, decided_at, opinion) values"
                " (%s, %s, %s, '', %s, '2026-03-01', '试验', 'approved', 1, '甲', now(), 2, '乙', now(), '同意')"
                " returning id",
                [org[0], pack_of(outcome), sha, text],
            ).fetchone()
            assert stage is not None
            c.execute(
                "insert into policy_activation (pack, version_id, effective_on, stage_id, at)"
                " values (%s, %s, '2026-03-01', %s, now())",
                [pack_of(outcome), sha, stage[0]],
            )
        c.execute("update policy_state set token = %s", [uuid.uuid4()])


@dataclass(frozen=True)
class Shown:
    """What a page must show: the case, the packs that its school is bound to, the sentence, the look of its line."""

    case_id: uuid.UUID
    school: str
    pack: str
    article: str
    sentence: str
    look: str
    invented: bool


@dataclass
class Stage:
    """The county of the drafts. Made as they are asked for."""

    database: str
    world: World
    drafts: dict[tuple[str, str], Case] = field(default_factory=dict)

    def school(self, business: str) -> str:
        """Who begins a case of this kind."""
        return recipes.starter(business)

    def registrar(self, business: str) -> Any:
        """The registrar who begins it."""
        return self.world.place.user("registrar", self.school(business))

    def bind(self, school: str, pack: str) -> None:
        """Let a school follow a pack by name."""
        with cluster().connect(self.database) as c:
            c.execute(
                "update org set policy = %s where id = %s and policy <> %s",
                [pack, self.world.place.org(school).pk, pack],
            )

    def draft(self, business: str, what: str) -> Case:
        """A draft of a child of its own: `bare`, or `full` with form and papers as they should be."""
        if (business, what) not in self.drafts:
            user = self.registrar(business)
            self.bind(self.school(business), "cn")
            # Names of their own: a newcomer of the same name, begun twice, is the same draft.
            name, number = _NAMES[what], identity()
            child = recipes.make_child(self.world.place, business, name, number)
            case = recipes.begin(self.world.place, user, business, child, name, number)
            if what == "full":
                recipes.complete(user, case, random.Random(1))
            self.drafts[business, what] = case
        return self.drafts[business, what]

    def find(self, business: str, outcome: str) -> Shown:
        """The first place whose rules have this outcome for this kind; the invented county where none has."""
        verdict, look = OUTCOMES[outcome]
        with seeing_all():
            packs = library()
            order = [p for p in ("cn", "cn-99", "cn-99-0101") if p in packs.ids()]
            order += [p for p in packs.ids() if p not in order and not p.startswith("cn-98")]
            order = [p for p in order if packs.chain_of(p)[0] == "cn" and "P" in packs.pack(p).levels]
        for what in ("full", "bare"):
            case = self.draft(business, what)
            found = self._finding(case, [*order, *([pack_of(outcome)] if what == "bare" else [])], verdict)
            if found is not None:
                pack, finding = found
                return Shown(
                    case.pk,
                    self.school(business),
                    pack,
                    finding.sentence.split(": ")[0],
                    finding.sentence,
                    look,
                    pack.startswith("cn-98"),
                )
        raise AssertionError(f"no rule has the outcome {outcome} for {business}")

    def _finding(self, case: Case, packs: list[str], verdict: str) -> tuple[str, Finding] | None:
        today = timezone.localdate()
        with act_as(self.registrar(case.business)) as actor, seeing_all():
            m = material(actor, Case.objects.get(pk=case.pk))
            for name in packs:
                policy = library().resolve(library().chain_of(name), today)
                trace = checks.evaluate(policy, m)
                for finding in trace.findings:
                    if finding.verdict == verdict and (finding.stops or verdict == "warn"):
                        return name, finding
        return None

    def waiting(self, business: str) -> Case:
        """A case of this kind that was sent while another of the child is under way."""
        case = self.draft(business, "met")
        if case.status != CaseStatus.DRAFT:
            return case
        user = self.registrar(business)
        recipes.complete(user, case, random.Random(1))
        # Not every kind has a rule of the nation's: here each has one that reminds.
        self.bind(self.school(business), pack_of("warned"))
        with seeing_all():
            other = Case.objects.create(
                business="suspend" if business == "correct_key" else "correct_key",
                number=f"QT-2026-{len(self.drafts):06d}",
                org_id=case.org_id,
                creator_id=user.pk,
                person_id=case.person_id,
                status=CaseStatus.RUNNING,
                submitted_at=timezone.now(),
                summary={"name": case.student_name},
            )
            assert other.pk
        with act_as(user) as actor:
            # Children made for other cases here look alike: each is said to be somebody else.
            found = cases.preflight(actor, case_id=case.pk)[0].stopping
            alike = {c.code: "已核对户口簿, 是另一个孩子" for c in found if c.code.startswith(twins.PREFIX)}
            self.drafts[business, "met"] = case = cases.submit(actor, case_id=case.pk, overrides=alike)
        return case


__all__ = ["KINDS", "OUTCOMES", "Shown", "Stage", "put_in_force"]
