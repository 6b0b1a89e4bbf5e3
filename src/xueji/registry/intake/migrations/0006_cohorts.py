"""A big batch is published by cohorts: each part finds its rows without reading the whole staging."""

from django.db import migrations

INDEX = """
create index staged_row_cohort on staged_row (batch_id, (ascii(stage) * 10000 + cohort_year));
"""


class Migration(migrations.Migration):
    dependencies = [("intake", "0005_undo")]
    operations = [migrations.RunSQL(INDEX, "drop index staged_row_cohort")]
