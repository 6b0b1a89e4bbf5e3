"""The syntax of chains: forks, being told without being waited for, units that are not everywhere."""

from __future__ import annotations

import pytest

from xueji.ground.policy.compare import chain_words
from xueji.ground.policy.library import PackFile, PolicyLibrary
from xueji.ground.policy.model import Chain, PackError

HEAD = """
[pack]
id = "cn"
title = "全国"
tier = "national"
version = "1"
[[source]]
id = "N"
title = "全国办法"
authority = "norm-national"
[[business]]
id = "suspend"
label = "休学"
prefix = "XX"
group = "pause"
effect = "status"
cite = "N#1"
[[role]]
id = "clerk"
label = "经办"
cite = "N#1"
[[role]]
id = "head"
label = "负责人"
cite = "N#1"
[[chain]]
id = "suspend"
business = "suspend"
label = "休学"
cite = "N#2"
"""


def chain(*steps: str) -> Chain:
    text = f"{HEAD}\nsteps = [\n" + "".join(f"  {{ {step} }},\n" for step in steps) + "]\n"
    return PolicyLibrary.from_files([PackFile("cn.toml", text)]).pack("cn").chains[0]


SEND = 'side = "school", role = "clerk", label = "学校经办"'


@pytest.mark.capability("C-CHG-12")
def test_a_chain_with_a_fork_a_filing_and_an_optional_tier_reads_in_one_line() -> None:
    found = chain(
        SEND,
        'side = "central", role = "clerk", label = "中心校", optional = true',
        'side = "authority", role = "clerk", label = "县经办", branch = "县", days = 3',
        'side = "authority", role = "head", label = "县负责人", branch = "县"',
        'side = "city", role = "clerk", label = "市经办", branch = "市"',
        'side = "province", role = "clerk", label = "省备案", mode = "file"',
    )
    assert chain_words(found) == "学校经办 → 中心校(如有) → (县经办 → 县负责人 ∥ 市经办) → 省备案(备案)"
    assert [step.days for step in found.steps] == [None, None, 3, None, None, None]
    assert found.steps[-1].clock != found.steps[-2].clock


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((SEND, 'side = "city", role = "head", label = "市", branch = "市"'), "至少要有两个分支"),
        (
            (
                SEND,
                'side = "city", role = "clerk", label = "市", branch = "市"',
                'side = "authority", role = "clerk", label = "县", branch = "县"',
                'side = "city", role = "head", label = "市", branch = "市"',
            ),
            "写在一起",
        ),
        ((f'{SEND}, mode = "file"',), "第一个环节"),
        ((SEND, 'side = "city", role = "head", label = "市", mode = "told"'), "可用"),
        ((SEND, 'side = "village", role = "head", label = "村"'), "可用"),
    ],
)
def test_a_chain_that_makes_no_sense_does_not_load(steps: tuple[str, ...], message: str) -> None:
    with pytest.raises(PackError, match=message):
        chain(*steps)


def test_who_is_only_told_does_not_stand_for_who_approves() -> None:
    own = HEAD.replace('id = "suspend"\nbusiness', 'id = "suspend"\ndelegates = "tighten"\nbusiness')
    nation = own + f'\nsteps = [{{ {SEND} }}, {{ side = "authority", role = "head", label = "县" }}]\n'
    county = """
[pack]
id = "cn-99"
title = "某省"
tier = "province"
extends = "cn"
version = "1"
[[source]]
id = "P"
title = "某省办法"
authority = "norm-province"
[[chain]]
id = "suspend"
business = "suspend"
label = "休学"
cite = "P#2"
steps = [{ %s }, { side = "authority", role = "head", label = "县", mode = "%s" }]
"""
    files = [PackFile("cn.toml", nation)]
    PolicyLibrary.from_files([*files, PackFile("p.toml", county % (SEND, "approve"))])
    with pytest.raises(PackError, match="只能增加"):
        PolicyLibrary.from_files([*files, PackFile("p.toml", county % (SEND, "file"))])
