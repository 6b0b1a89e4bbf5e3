"""Indexes of the search: grams by GIN; pinyin and initials by prefix inside a school and a county."""

from django.db import migrations

INDEXES = """
create index roster_grams on roster using gin (grams);
create index roster_school_pinyin on roster (school_id, pinyin text_pattern_ops);
create index roster_school_initials on roster (school_id, initials text_pattern_ops);
create index roster_county_pinyin on roster (county_id, pinyin text_pattern_ops);
create index roster_county_initials on roster (county_id, initials text_pattern_ops);
create index roster_county_filter on roster (county_id, status, stage, cohort_year, sex);
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0003_pending_link")]
    operations = [migrations.RunSQL(INDEXES, migrations.RunSQL.noop)]
