"""The made-up province: authorities, and the schools of each size with their classes per grade."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .words import TOWNS

PROVINCE = ("990000", "云岭省", "云岭省教育厅", "省教育厅")
CITIES = (
    ("990100", "青川市", "青川市教育局", "青川市局"),
    ("990200", "澜江市", "澜江市教育局", "澜江市局"),
)
#: code, place, name, short name; the first is the county of school A, the second that of school B.
COUNTIES = (
    ("990101", "松溪县", "松溪县教育局", "松溪县局"),
    ("990201", "临江县", "临江县教育局", "临江县局"),
    ("990102", "白鹿区", "白鹿区教育局", "白鹿区局"),
)
CENTRAL = ("99010101", "松溪县柳河镇中心校", "柳河中心校")


@dataclass(frozen=True)
class Spec:
    """A school before it has an id: `grades` says how many classes a grade of each stage has."""

    key: str
    county: int
    name: str
    short: str
    grades: tuple[tuple[str, int], ...]
    school_type: str
    category: str
    system: str = "6-3-3"
    central: bool = False
    village: bool = False
    special: bool = False
    city_run: bool = False
    private: bool = False
    boarding: bool = False
    campuses: tuple[str, ...] = ()

    @property
    def stages(self) -> list[str]:
        """Stages that the school has."""
        return [stage for stage, _n in self.grades]


_P, _J, _S, _NINE, _FULL, _TWELVE = (
    ("211", "21"), ("311", "31"), ("342", "34"), ("312", "31"), ("341", "34"), ("345", "34"),
)  # fmt: skip


def _spec(
    key: str, county: int, name: str, short: str, grades: str, kind: tuple[str, str], **more: object
) -> Spec:
    parts = tuple((g[0], int(g[1:])) for g in grades.split())
    return Spec(key, county, name, short, parts, *kind, **more)  # type: ignore[arg-type]


_MEDIUM = (
    _spec("a", 0, "松溪县实验小学", "松溪实验小学", "P4", _P, campuses=("本部", "东校区")),
    _spec("p1", 0, "松溪县第一小学", "松溪一小", "P3", _P, campuses=("校本部", "城北校区")),
    _spec("p2", 0, "松溪县第二小学", "松溪二小", "P2", _P),
    _spec("c1", 0, "松溪县柳河镇中心小学", "柳河中心小学", "P2", _P, central=True),
    _spec("c2", 0, "松溪县柳河镇杨家村小学", "杨家村小学", "P1", _P, central=True, village=True),
    _spec("c3", 0, "松溪县柳河镇青石村小学", "青石村小学", "P1", _P, central=True, village=True),
    _spec("j1", 0, "松溪县第二初级中学", "松溪二中", "J4", _J),
    _spec("j2", 0, "松溪县柳河中学", "柳河中学", "J2", _J, boarding=True),
    _spec("f1", 0, "松溪县第一中学", "松溪一中", "J3 S5", _FULL, boarding=True),
    _spec("sp", 0, "松溪县特殊教育学校", "松溪特校", "P1 J1", ("514", "51"), special=True),
    _spec("b", 1, "临江县实验小学", "临江实验小学", "P3", _P),
    _spec("p3", 1, "临江县第二小学", "临江二小", "P2", _P),
    _spec("p4", 1, "临江县江心洲小学", "江心洲小学", "P1", _P),
    _spec("p5", 1, "临江县芦苇荡村小学", "芦苇荡村小学", "P1", _P, village=True),
    _spec("n1", 1, "临江县沙洲学校", "沙洲学校", "P2 J2", _NINE, system="5-4-3"),
    _spec("j3", 1, "临江县第一初级中学", "临江一中(初中)", "J4", _J),
    _spec("j4", 1, "临江县第二初级中学", "临江二中(初中)", "J3", _J, boarding=True),
    _spec("s1", 1, "临江县第一高级中学", "临江一高", "S5", _S, boarding=True),
    _spec("p6", 2, "白鹿区第一小学", "白鹿一小", "P3", _P),
    _spec("p7", 2, "白鹿区望江路小学", "望江路小学", "P3", _P),
    _spec("p8", 2, "白鹿区鹿鸣小学", "鹿鸣小学", "P2", _P, private=True),
    _spec("n2", 2, "白鹿区育才学校", "育才学校", "P2 J2", _NINE),
    _spec("j5", 2, "白鹿区第三中学", "白鹿三中", "J4", _J),
    _spec("s2", 2, "白鹿区高级中学", "白鹿高中", "S5", _S, boarding=True),
    _spec("t1", 2, "青川市外国语学校", "青川外国语", "P1 J2 S2", _TWELVE, city_run=True, boarding=True),
)  # fmt: skip
_SMALL_KEYS = {"a": "P1", "b": "P1", "c2": "P1", "f1": "J1 S1", "n1": "P1 J1", "sp": "P1 J1"}


@dataclass(frozen=True)
class Size:
    """How big a demonstration is: its schools, pupils present, usual class sizes (lowest, highest) per stage."""

    name: str
    schools: tuple[Spec, ...]
    present: int
    lowest: int
    highest: int
    open_cases: int


def size_of(name: str) -> Size:
    """The layout of size S, M or L; raises `ValueError` for another word."""
    if name == "S":
        small = []
        for spec in _MEDIUM:
            if spec.key in _SMALL_KEYS:
                parts = tuple((g[0], int(g[1:])) for g in _SMALL_KEYS[spec.key].split())
                small.append(replace(spec, grades=parts))
        return Size("S", tuple(small), 600, 12, 30, 14)
    if name == "M":
        return Size("M", _MEDIUM, 12_000, 30, 52, 40)
    if name == "L":
        return Size("L", (*_MEDIUM, *_more(4)), 60_000, 30, 52, 120)
    raise ValueError(f"size {name!r}: use S, M or L")


def _more(times: int) -> list[Spec]:
    """Further schools on the pattern of the ordinary ones, under names of their own."""
    out: list[Spec] = []
    taken = {s.name for s in _MEDIUM}
    for round_no in range(times):
        for index, spec in enumerate(_MEDIUM):
            if spec.central or spec.key in ("t1", "sp"):
                continue
            place = COUNTIES[spec.county][1]
            kind = "高级中学" if spec.school_type == "342" else "中学" if spec.stages[0] in "JS" else "小学"
            if spec.school_type in ("312", "345"):
                kind = "学校"
            for shift in range(len(TOWNS)):
                town = TOWNS[(index * 7 + round_no * 11 + shift) % len(TOWNS)]
                name = f"{place}{town}{kind}"
                if name not in taken:
                    break
            taken.add(name)
            out.append(
                replace(
                    spec,
                    key=f"{spec.key}.{round_no}",
                    name=name,
                    short=f"{town}{kind}",
                    campuses=(),
                    village=False,
                )
            )
    return out
