"""What looking for one child's second record costs: a county's records against the whole register, against a plain join.

**Total** is the search of `registry/duplicates/similar.py` for 10,000 records in the portions of a check: same sound, sex and
a day of birth that is equal, one digit off or turned round, former names, the reasons judged. **Floor** reads the same records
by their primary key, 1,000 at a time (portions of 5,000 would be no dearer and no cheaper). Both are asked in turn, the middle
of the rounds counts. `common` asks the same where 3 % of all children share one sound of the name.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

from bench import server

TEXT = "查重: 一万份档案对全库查相似档案, 与按主键连接的比值"
GOAL = 5.0
#: register; records asked about; rounds
SIZES = {"small": (20_000, 1_000, 3), "full": (1_000_000, 10_000, 3)}
_CHUNK = 1000

#: Three children in a hundred of each day get names of one sound; written with a hundred different characters.
_COMMON = """
set session_replication_role = replica;
update person set pinyin = 'common', name = '同音' || (hashtext(person_id::text) & 127) / 10
 where hashtext(person_id::text) % 33 = 0;
set session_replication_role = origin;
"""

#: Sounds of names as they are spread: the commonest is borne by one in a thousand, most by a few in a hundred thousand.
#: One record in a hundred is the one before it once more, so that there is something to find in small sizes too.
_LOAD = """
set session_replication_role = replica;
insert into person (person_id, name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, ethnicity, nationality,
  check_state, version, created_at, readers, klasses)
select md5('p' || i)::uuid, '名' || s, 'py' || s, 'p', 'py' || s, '', (1 + k %% 2)::text,
  date '2007-09-01' + ((k * 7919::bigint) %% 4380)::int, '01', 'CHN', 'unchecked', 1, now(), array[1], array[]::int[]
  from (select i, k, floor(30000 * power(((k * 48271::bigint) %% 2147483647) / 2147483647.0, 1.5))::int as s
          from (select i, i - (i %% 100 = 0)::int as k from generate_series(1, %(n)s) i) y) x;
insert into identity_document (person_id, doc_no, id_type, sealed, since, readers, klasses)
select person_id, 1, '1', decode('5a', 'hex'), now(), array[1], array[]::int[] from person;
set session_replication_role = origin;
"""


def run(*, size: str = "small", rows: int | None = None, **_options: Any) -> dict[str, Any]:
    """The whole bench in a process of its own."""
    people, asked, rounds = SIZES[size]
    with server.folder() as data:
        said = server.call("bench.duplicates_bench", data, str(rows or people), str(asked), str(rounds))
    figures = json.loads(said.splitlines()[-1])
    ratio = figures["ratio"]
    return {"name": "duplicates", "ratio": ratio, "goal": GOAL, "met": ratio <= GOAL, "figures": figures}


# --- in a process of its own ---------------------------------------------------------------------------------


def _all(people: int, asked: int, rounds: int) -> dict[str, Any]:
    from xueji import config

    with server.installation() as cluster:
        with cluster.connect(config.owner_dsn().name) as c:
            c.autocommit = True
            c.execute(_LOAD % {"n": people})
            c.execute("vacuum (analyze) person, identity_document")
            usual = _measure(asked, rounds)
            c.execute(_COMMON)
            c.execute("vacuum (analyze) person")
            common = _measure(asked, 1)
    return {"people": people, "asked": asked, **usual} | {f"common_{k}": v for k, v in common.items()}


def _measure(asked: int, rounds: int) -> dict[str, Any]:
    """Search and floor in turn; the middle of the rounds."""
    from django.db import connection, transaction

    from xueji.ground.db.scope import acting
    from xueji.registry.duplicates import similar
    from xueji.registry.duplicates.commands.checking import CHUNK

    with transaction.atomic(), acting("writer"), connection.cursor() as cursor:
        cursor.execute("select person_id from person order by person_id limit %s", [asked])
        ids = [row[0] for row in cursor.fetchall()]
        parts = [ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK)]
        portions = [ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK)]
        totals, floors, found = [], [], 0
        for _round in range(rounds):
            begun = time.perf_counter()
            for part in parts:
                cursor.execute(
                    "select p.person_id, p.name, p.birth_date from unnest(%s::uuid[]) as v(id)"
                    " join person p on p.person_id = v.id",
                    [part],
                )
                cursor.fetchall()
            floors.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            found = sum(len(similar.search(part)) for part in portions)
            totals.append(time.perf_counter() - begun)
    total, floor = statistics.median(totals), statistics.median(floors)
    return {
        "pairs": found,
        "total_s": round(total, 3),
        "floor_s": round(floor, 3),
        "ratio": round(total / floor, 2),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_all(*map(int, sys.argv[1:4]))) + "\n")
