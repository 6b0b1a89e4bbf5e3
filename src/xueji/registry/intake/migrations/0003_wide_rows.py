"""Staged rows are wide and sealed: no attempt to compress them, and an index for the search of namesakes."""

from django.db import migrations

SQL = """
alter table staged_row set (toast_tuple_target = 8160);
create index person_name_birth on person (name, birth_date);
"""


class Migration(migrations.Migration):
    dependencies = [("intake", "0002_unlogged"), ("people", "0001_initial")]
    operations = [
        migrations.RunSQL(
            SQL, "drop index person_name_birth; alter table staged_row reset (toast_tuple_target)"
        )
    ]
