"""The door to the population register outside: what is asked, what may be answered, who answers here.

Which register answers is a setting of the installation (`XUEJI_POPULATION`), a name of `REGISTERS` below; no address and
no class name ever comes from a user, a batch or an answer. `off` (as shipped): nothing is asked, everything stays 未比对.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from django.conf import settings

from .errors import RegisterDown, RegisterWrong


@dataclass(frozen=True)
class Question:
    """One child as the register is asked about it. `ref` comes back with the answer and means nothing outside."""

    ref: str
    id_number: str
    name: str
    sex: str
    birth_date: date


@dataclass(frozen=True)
class Answer:
    """`result` is passed, failed or unknown; `differs` names the fact that differs: number, name, sex or birth_date."""

    ref: str
    result: str
    differs: str = ""


class Register(Protocol):
    """What a connection to a register must be able to do."""

    name: str

    def compare(self, key: str, questions: Sequence[Question]) -> list[Answer]:
        """Answers to these questions. The same key with the same questions is the same request, however often it comes.

        Raises `RegisterDown` when there is no answer in time.
        """


RESULTS = frozenset({"passed", "failed", "unknown"})
FACTS = frozenset({"", "number", "name", "sex", "birth_date"})


def believed(questions: Sequence[Question], answers: Sequence[Answer]) -> dict[str, Answer]:
    """The answers by their ref; some may be missing. Raises `RegisterWrong` for anything that was not asked, was answered
    twice or is no known result: of such an answer nothing is believed.
    """
    asked = {q.ref for q in questions}
    out: dict[str, Answer] = {}
    for answer in answers:
        if answer.ref not in asked or answer.ref in out:
            raise RegisterWrong("ref")
        if answer.result not in RESULTS or answer.differs not in FACTS:
            raise RegisterWrong("result")
        out[answer.ref] = answer
    return out


@dataclass
class Simulator:
    """A register that is made up, for tests, training and the demo: every answer follows from the seed and the question.

    `mismatch` and `unknown` are shares of children; `down`, `slow`, `wrong` and `partial` are shares of requests that get
    no answer, a late one, nonsense, or half of the answers: which ones follows from the seed. `seen` counts each key.
    """

    seed: int = 1
    mismatch: float = 0.02
    unknown: float = 0.01
    down: float = 0.0
    slow: float = 0.0
    wrong: float = 0.0
    partial: float = 0.0
    delay: float = 0.0
    name: str = "simulator"
    seen: dict[str, int] = field(default_factory=dict)

    def _luck(self, *words: object) -> float:
        digest = hashlib.sha256("|".join(map(str, (self.seed, *words))).encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def compare(self, key: str, questions: Sequence[Question]) -> list[Answer]:
        """See `Register.compare`."""
        self.seen[key] = self.seen.get(key, 0) + 1
        luck = self._luck("request", sum(self.seen.values()))
        if luck < self.down:
            raise RegisterDown("down")
        if luck < self.down + self.slow:
            time.sleep(self.delay)
            raise RegisterDown("late")
        if luck < self.down + self.slow + self.wrong:
            return [Answer("somebody else", "passed")]
        answers = [self._answer(q) for q in questions]
        if luck < self.down + self.slow + self.wrong + self.partial:
            answers = answers[: len(answers) // 2]
        return answers

    def _answer(self, question: Question) -> Answer:
        luck = self._luck("child", question.id_number, question.name)
        if luck < self.mismatch:
            return Answer(question.ref, "failed", ("name", "number", "birth_date")[int(luck * 1e6) % 3])
        return Answer(question.ref, "unknown" if luck < self.mismatch + self.unknown else "passed")


#: Registers that an installation may name. A real connection is one more entry here, with its address in the settings.
REGISTERS: dict[str, Callable[[], Register]] = {"simulator": Simulator}


def register() -> Register | None:
    """The register that this installation names; None when it names none."""
    make = REGISTERS.get(str(getattr(settings, "POPULATION", "off")))
    return make() if make is not None else None
