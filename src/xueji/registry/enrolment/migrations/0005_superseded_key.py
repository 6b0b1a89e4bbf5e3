"""Superseded links are keyed by their person, as every table of a person must be that may once be distributed."""

from django.db import migrations, models

KEY = """
alter table enrolment_superseded drop column id;
alter table enrolment_superseded add primary key (person_id, kind, valid_from, superseded_by);
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0004_search")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(KEY, migrations.RunSQL.noop)],
            state_operations=[
                migrations.DeleteModel(name="SupersededState"),
                migrations.CreateModel(
                    name="SupersededState",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "person_id",
                                "kind",
                                "valid_from",
                                "superseded_by",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("person_id", models.UUIDField()),
                        ("kind", models.PositiveSmallIntegerField()),
                        ("valid_from", models.DateTimeField()),
                        ("valid_to", models.DateTimeField(null=True)),
                        ("from_status", models.PositiveSmallIntegerField()),
                        ("business", models.CharField(max_length=30)),
                        ("status", models.PositiveSmallIntegerField()),
                        ("county_id", models.IntegerField()),
                        ("school_id", models.IntegerField()),
                        ("class_id", models.IntegerField(null=True)),
                        ("stage", models.CharField(max_length=1)),
                        ("cohort_year", models.PositiveSmallIntegerField()),
                        ("class_seat", models.PositiveSmallIntegerField(null=True)),
                        ("event_id", models.UUIDField()),
                        ("recorded_at", models.DateTimeField()),
                        ("superseded_at", models.DateTimeField()),
                        ("superseded_by", models.UUIDField(help_text="the event that relinked")),
                    ],
                    options={"db_table": "enrolment_superseded"},
                ),
            ],
        ),
        # The key begins with the person: an index on the person alone adds nothing.
        migrations.RunSQL(
            """do $$
            declare v text;
            begin
              for v in select indexname from pg_indexes
                        where tablename = 'enrolment_superseded' and indexname like 'enrolment_superseded_person_id%'
              loop execute format('drop index %I', v); end loop;
            end $$;""",
            migrations.RunSQL.noop,
        ),
    ]
