"""Workbooks broken on purpose, one for each seed: `python -m tests.ground.sheets.mutants FIRST COUNT` reads them all.

Prints a line of JSON for the last seed begun and one at the end; a seed that kills the process is thereby named.
"""

from __future__ import annotations

import io
import json
import random
import resource
import sys
import time
import zipfile
from functools import cache
from pathlib import Path

_TEXTS = (
    "张小明", "=1+1", "\u202e明小张", "a\u0000b", "\ufffe", "𠮷野", "9" * 400, "1E+308", "-1", "2020-02-30", "＝cmd|'/c calc'!A0",
    "&#x0;", "<x/>", "]]>", "\r\n\t", "Ａ１", "990101201803051234", "x" * 40_000, "",
)  # fmt: skip


@cache
def _xlsx() -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        for name in ("学生信息", "说明"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["姓名", "性别", "出生日期", "身份证件号", "班号"])
            for n in range(1, 12):
                sheet.write_row(n, 0, [f"张小{n}", "男", 43_000 + n, "990101201803051234", n])
            sheet.merge_range(14, 0, 15, 3, "合计")
        book.define_name("名单", "=学生信息!$A$1:$E$12")
    return buffer.getvalue()


@cache
def _ods() -> bytes:
    rows = "".join(
        f'<table:table-row><table:table-cell office:value-type="string"><text:p>张小{n}</text:p></table:table-cell>'
        f'<table:table-cell office:value-type="float" office:value="{n}"><text:p>{n}</text:p></table:table-cell>'
        '<table:table-cell office:value-type="date" office:date-value="2018-03-05"/>'
        '<table:table-cell table:number-columns-repeated="16381"/></table:table-row>'
        for n in range(12)
    )
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="urn:o" xmlns:table="urn:t"'
        f' xmlns:text="urn:x"><office:body><office:spreadsheet><table:table table:name="甲">{rows}'
        '<table:table-row table:number-rows-repeated="1048564"><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        out.writestr("META-INF/manifest.xml", "<manifest/>")
        out.writestr("content.xml", content)
    return buffer.getvalue()


def _csv(rng: random.Random) -> bytes:
    sep = rng.choice(",\t;|")
    lines = [
        sep.join(rng.choice(_TEXTS) for _ in range(rng.randint(1, 8))) for _ in range(rng.randint(0, 30))
    ]
    text = "\n".join(["姓名,性别", *lines])
    return text.encode(rng.choice(["utf-8", "utf-8-sig", "gb18030", "utf-16"]), "surrogatepass")


def _bytes(rng: random.Random, data: bytes) -> bytes:
    """Flip, cut, double or splice somewhere."""
    body = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 40))):
        if not body:
            break
        at = rng.randrange(len(body))
        how = rng.randrange(5)
        if how == 0:
            body[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            del body[at : at + rng.choice((1, 16, 900))]
        elif how == 2:
            body[at:at] = body[at : at + rng.choice((4, 300))]
        elif how == 3:
            body[at : at + 4] = rng.randbytes(4)
        else:
            del body[at:]
    return bytes(body)


def _number(rng: random.Random) -> str:
    return rng.choice(
        (
            "0",
            "-1",
            "1048577",
            "99999999999999999999",
            "4294967295",
            "1e308",
            "NaN",
            "A1:XFD1048576",
            "",
            "16385",
        )
    )


def _xml(rng: random.Random, data: bytes) -> bytes:
    """Change what a member says, tag by tag."""
    text = data.decode("utf-8", "replace")
    for _ in range(rng.choice((1, 1, 3, 10))):
        how = rng.randrange(9)
        at = rng.randrange(len(text) + 1)
        if how == 0:
            pieces = text.split('"')
            if len(pieces) > 3:
                pieces[rng.randrange(1, len(pieces), 2) if len(pieces) > 2 else 1] = _number(rng)
            text = '"'.join(pieces)
        elif how == 1:
            start = text.find("<", at)
            end = text.find(">", start)
            if 0 <= start < end:
                tag = text[start : end + 1]
                text = text[:start] + tag * rng.choice((0, 2, 2000)) + text[end + 1 :]
        elif how == 2:
            start = text.find(">", at) + 1
            text = text[:start] + rng.choice(_TEXTS) + text[start:]
        elif how == 3:
            text = (
                text[:at]
                + rng.choice(("\x00", "\x0b", "\u202e", "\ufeff", "&", "<", "]]>", "&#0;", "&lol;"))
                + text[at:]
            )
        elif how == 4:
            text = text.replace("?>", '?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY lol "&a;&a;&a;">]>', 1)
        elif how == 5:
            text = text[:at] + "<a>" * rng.choice((5, 3000, 60_000)) + text[at:]
        elif how == 6:
            text = text.replace("UTF-8", rng.choice(("UTF-16", "GBK", "x-none")), 1)
        elif how == 7:
            text = text[:at]
        else:
            text = text.replace('r="A', f'r="{rng.choice(("XFD", "AAAA", "", "a"))}', rng.choice((1, 5)))
    return text.encode("utf-8", "surrogatepass")


def _package(rng: random.Random, data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    for name in rng.sample(sorted(members), k=min(len(members), rng.choice((1, 1, 2)))):
        how = rng.randrange(10)
        if how < 7:
            members[name] = _xml(rng, members[name])
        elif how == 7:
            del members[name]
        elif how == 8:
            members[name] = members[name] + b"\0" * rng.choice((10, 60 << 20))
        else:
            members[rng.choice(("../" + name, name.upper(), name + "\\x", "xl/worksheets/sheet9.xml"))] = (
                members[name]
            )
    if rng.random() < 0.1 and "xl/_rels/workbook.xml.rels" in members:
        rels = members["xl/_rels/workbook.xml.rels"]
        members["xl/_rels/workbook.xml.rels"] = rels.replace(
            b'Target="worksheets', b'TargetMode="External" Target="http://127.0.0.1:9/worksheets'
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))) as new:
        for name, body in members.items():
            new.writestr(name, body)
    return buffer.getvalue()


def mutant(seed: int) -> tuple[bytes, str]:
    """The file of a seed, and a name for it."""
    rng = random.Random(seed)
    kind = rng.choice(("xlsx", "xlsx", "xlsx", "ods", "csv"))
    if kind == "csv":
        data = _csv(rng)
        return (_bytes(rng, data) if rng.random() < 0.5 else data), "a.csv"
    data = _xlsx() if kind == "xlsx" else _ods()
    if rng.random() < 0.8:
        data = _package(rng, data)
    if rng.random() < 0.3:
        data = _bytes(rng, data)
    return data, f"a.{kind}"


def read(seed: int) -> str:
    """What came of a seed's file: `rows` or the code of its refusal. Anything else raises."""
    from xueji.ground.sheets.errors import SheetError
    from xueji.ground.sheets.read import open_sheet

    data, name = mutant(seed)
    try:
        reader = open_sheet(data, name)
        for row in reader.rows():
            assert row.cells
        reader.find_header(["姓名", "性别"])
    except SheetError as error:
        return error.code if error.message_zh else f"{error.code} says nothing"
    return "rows"


def _peak() -> int:
    """KiB held at most by this program. (What `getrusage` tells includes the process that started it.)"""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Read the seeds that the command line names."""
    import django

    django.setup()
    first, count = int(sys.argv[1]), int(sys.argv[2])
    found: dict[str, int] = {}
    slowest = (0.0, first)
    for seed in range(first, first + count):
        sys.stdout.write(json.dumps({"seed": seed}) + "\n")
        sys.stdout.flush()
        # Of this process alone: whatever else the machine has to do is not the workbook's.
        began = time.process_time()
        code = read(seed)
        slowest = max(slowest, (time.process_time() - began, seed))
        found[code] = found.get(code, 0) + 1
    sys.stdout.write(json.dumps({"found": found, "slowest": slowest, "peak_mib": _peak() >> 10}) + "\n")


if __name__ == "__main__":
    main()
