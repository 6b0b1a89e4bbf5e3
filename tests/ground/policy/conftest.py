"""Packs for the tests of rules: the shipped ones, and small made-up ones put together per test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from xueji.ground.paths import data_dir
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import PackFile, PolicyLibrary

DAY = date(2026, 11, 22)

BASE = """
[pack]
id = "cn"
title = "全国"
tier = "national"
version = "1"

[[source]]
id = "N"
title = "全国办法"
doc_no = "教〔2013〕7号"
authority = "norm-national"

[[source]]
id = "T"
title = "网上范文"
authority = "template"

[[field]]
id = "student.stage"
type = "string"
label = "学段"
[[field]]
id = "student.birth_date"
type = "date"
label = "出生日期"
[[field]]
id = "student.number_prefix"
type = "string"
label = "字头"
[[field]]
id = "case.docs"
type = "set"
label = "材料"
[[field]]
id = "case.size"
type = "int"
label = "人数"
[[field]]
id = "case.total"
type = "int"
label = "总数"
[[field]]
id = "case.ok"
type = "bool"
label = "是否合格"
[[field]]
id = "case.start"
type = "date"
label = "开始"
[[field]]
id = "case.end"
type = "date"
label = "结束"
[[field]]
id = "case.number"
type = "string"
label = "编号"
[[field]]
id = "judged.special"
type = "bool"
label = "是否特殊"

[[doc]]
id = "申请"
supplied_by = "family"
[[doc]]
id = "证明"
supplied_by = "school"
[[doc]]
id = "户口簿"
supplied_by = "family"

[[role]]
id = "clerk"
label = "经办"
cite = "N#1"
[[role]]
id = "head"
label = "负责人"
cite = "N#1"

[[param]]
id = "cap"
type = "int"
label = "上限"
delegates = "tighten"
tighter = "lower"
[[param.value]]
value = 50
force = "must"
cite = "N#2"
[[param.value]]
value = 45
from = 2026-09-01
force = "must"
cite = "N#2"

[[param]]
id = "fixed"
type = "duration"
label = "期限"
delegates = "none"
[[param.value]]
value = "P1Y"
boundary = "unstated"
force = "must"
cite = "N#3"

[[param]]
id = "blank"
type = "int"
label = "空白数"
delegates = "free"
[[param.value]]
state = "unstated"
force = "must"
cite = "N#4"

[[param]]
id = "papers"
type = "set"
label = "材料上限"
delegates = "tighten"
tighter = "subset"
[[param.value]]
value = ["申请", "证明"]
force = "must"
cite = "N#5"

[[business]]
id = "transfer"
label = "转学"
prefix = "ZX"
group = "move"
effect = "move"
cite = "N#6"

[[chain]]
id = "transfer"
business = "transfer"
label = "转学"
delegates = "tighten"
cite = "N#6"
steps = [
  { side = "school", role = "clerk", label = "学校经办" },
  { side = "school", role = "head", label = "学校负责人" },
]

[[transition]]
id = 1
kind = "registered"
from = "在读"
business = "transfer"
to = "在读"
cite = "N#6"

[[lint]]
id = "L-DOCS"
check = "docs_ceiling"
param = "papers"
on = ["transfer.apply"]
cite = "N#5"
phrase = "不得再要求其他材料"
[[lint]]
id = "L-PREFIX"
check = "never_blocks_on"
field = "student.number_prefix"
value = "L"
cite = "N#5"
phrase = "一视同仁"
[[lint]]
id = "L-SCHEME"
check = "schemes_reserved"
prefix = "national."
cite = "N#5"
phrase = "规则由国家制订"
"""

CHILD = """
[pack]
id = "cn-99"
title = "某省"
tier = "province"
extends = "cn"
version = "1"

[[source]]
id = "P"
title = "省细则"
authority = "norm-province"
"""


def a_rule(
    name: str = "R-1", *, need: str, cite: str = "N#9", extra: str = "", outcome: str = "block"
) -> str:
    """A rule on transfer.apply as TOML."""
    force = "" if "force" in extra else 'force = "must"\n'
    return (
        f'\n[[rule]]\nid = "{name}"\non = ["transfer.apply"]\nneed = {need}\nelse = "{outcome}"\n'
        f'cite = "{cite}"\nphrase = "原文摘句"\n{force}{extra}\n'
    )


Build = Callable[..., PolicySet]


@pytest.fixture
def rule_text() -> Callable[..., str]:
    """Writes a rule as TOML."""
    return a_rule


@pytest.fixture
def base() -> str:
    """The text of the small national pack."""
    return BASE


@pytest.fixture
def child() -> str:
    """The head of a provincial pack below it."""
    return CHILD


@pytest.fixture
def build() -> Build:
    """Makes a PolicySet from additions to the national pack and to a provincial one below it."""

    def make(national: str = "", province: str | None = None, on: date = DAY) -> PolicySet:
        files = [PackFile("cn.toml", BASE + national)]
        if province is not None:
            files.append(PackFile("cn-99.toml", CHILD + province))
        library = PolicyLibrary.from_files(files)
        return library.resolve(library.chain_of(library.ids()[-1]), on)

    return make


@pytest.fixture(scope="session")
def shipped() -> PolicyLibrary:
    """The packs of the repository."""
    return PolicyLibrary.from_folder(data_dir("policies"))


@pytest.fixture(scope="session")
def nation(shipped: PolicyLibrary) -> PolicySet:
    """The national pack alone."""
    return shipped.resolve(("cn",), DAY)


@pytest.fixture(scope="session")
def county(shipped: PolicyLibrary) -> PolicySet:
    """The demonstration county with its province and the nation."""
    return shipped.resolve(shipped.ids_for("990101"), DAY)
