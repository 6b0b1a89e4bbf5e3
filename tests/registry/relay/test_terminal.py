"""`xueji relay`: two administrators at their terminals connect their installations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.registry.relay.two import Installation

from xueji.registry.relay.models import Peer
from xueji.web.cli import relay
from xueji.web.cli.boot import Refused
from xueji.web.cli.main import _parser

Two = tuple[Installation, Installation]


def say(side: Installation, capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """One command at a side's terminal; what it prints."""
    args = _parser().parse_args(["relay", *argv])
    with side.on():
        assert relay.run(args, lambda value: print(json.dumps(value, ensure_ascii=False))) == 0
    return capsys.readouterr().out


@pytest.fixture
def strangers(sides: Two) -> Two:
    """Two that do not know each other yet."""
    from tests.helpers import seeing_all

    for side in sides:
        with side.on(), seeing_all():
            Peer.objects.update(active=False, code="OLD")
    return sides


def test_cards_are_exchanged_and_fingerprints_compared(
    strangers: Two, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a, b = strangers
    card = tmp_path / "card.json"
    mark = json.loads(say(b, capsys, "card", str(card), "--json"))["指纹"]
    assert len(mark.replace(" ", "")) == 40
    assert "secret" not in card.read_text()
    with pytest.raises(Refused, match="指纹不一致"):
        say(a, capsys, "peer", "add", str(card), "--fingerprint", "0" * 40)
    say(a, capsys, "peer", "add", str(card), "--fingerprint", mark, "--division", "99")
    assert "B99" in say(a, capsys, "peer")
    say(a, capsys, "peer", "off", "--code", "B99")
    with a.on():
        assert not Peer.objects.get(code="B99").active
    with pytest.raises(Refused):
        say(a, capsys, "peer", "off", "--code", "NN")


def test_status_keys_and_files_from_the_terminal(
    sides: Two, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a, b = sides
    assert "A99" in say(a, capsys, "status")
    say(a, capsys, "own", "--code", "A99", "--name", "甲省学籍系统", "--url", "https://a.example.cn")
    with pytest.raises(Refused):
        say(a, capsys, "own", "--code", "Z99", "--name", "甲省学籍系统")
    assert "新密钥" in say(a, capsys, "rotate")
    file = tmp_path / "messages.json"
    say(a, capsys, "export", "B99", str(file))
    assert "收到: 1" in say(b, capsys, "import", str(file))
    with pytest.raises(Refused):
        say(b, capsys, "import", str(tmp_path / "nothing"))
    with pytest.raises(Refused):
        say(b, capsys, "export", "NN")
