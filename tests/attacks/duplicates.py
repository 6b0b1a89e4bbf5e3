"""Suspicions, merges, comparisons and distributions of two counties' schools for the attacks."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection
from tests.helpers import seeing_all


def build(world: Any) -> None:
    """A suspicion, a merge, a comparison and a distribution for a school of county a and one of county c."""
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "insert into number_distribution (number, org_id, term, state, total, done, formal, without_id, held,"
            " creator_id, creator_name, assignment_id, created_at, touched_at) values ('XF-1', %s, '2026年秋季学期', 'done',"
            " 2, 2, 1, 0, 1, 0, '', 0, now(), now()) returning id",
            [world.place.org("province").pk],
        )
        distribution = c.fetchone()[0]
        for school, county, keys in (("a1", "a", ("one", "two")), ("c1", "c", ("c1", "c1"))):
            here, above = world.place.org(school).pk, world.place.org(county).pk
            first, second = world.persons[keys[0]], world.persons[keys[1]]
            if first == second:
                second = uuid.uuid4()
            one, other = sorted((first, second))
            c.execute(
                "insert into duplicate_run (org_id, county_id, state, total, done, found, creator_id, creator_name,"
                " assignment_id, created_at, touched_at) values (%s, %s, 'done', 1, 1, 1, 0, '', 0, now(), now())",
                [here, above],
            )
            c.execute(
                "insert into duplicate_pair (first, second, first_school, first_county, second_school, second_county,"
                " superior_id, parties, score, reasons, state, found_at, proof, decided_by)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, 90, '{same_name,same_birth}', 'new', now(), '', '')",
                [one, other, here, above, here, above, here, [here, above]],
            )
            c.execute(
                "insert into person_merge (merge_id, number, kept, merged, org_id, parties, state, take, sides, stamp, basis,"
                " proposed_by, proposed_name, proposed_at, decided_name, opinion, undo_name, undo_reason, undone_name,"
                " undone_opinion, version) values (%s, %s, %s, %s, %s, %s, 'withdrawn', '{}', '{}', '', '同一人', 0, '',"
                " now(), '', '', '', '', '', '', 1)",
                [uuid.uuid4(), f"HB-{school}", one, other, above, [here, above]],
            )
            c.execute(
                "insert into population_batch (org_id, county_id, school_id, source, state, total, passed, failed, unknown,"
                " creator_id, creator_name, created_at) values (%s, %s, %s, 'simulator', 'done', 1, 1, 0, 0, 0, '', now())"
                " returning id",
                [here, above, here],
            )
            batch = c.fetchone()[0]
            c.execute(
                "insert into population_part (batch_id, county_id, no, key, done, given_up, attempts, next_try_at, trouble)"
                " values (%s, %s, 0, %s, true, false, 1, now(), '')",
                [batch, above, uuid.uuid4()],
            )
            c.execute(
                "insert into population_item (batch_id, person_id, part_no, county_id, school_id, doc_no, state, differs,"
                " source) values (%s, %s, 0, %s, %s, 1, 'failed', 'name', 'simulator')",
                [batch, first, above, here],
            )
            c.execute(
                "insert into number_given (distribution_id, person_id, county_id, school_id, result)"
                " values (%s, %s, %s, %s, 'unchecked')",
                [distribution, first, above, here],
            )
