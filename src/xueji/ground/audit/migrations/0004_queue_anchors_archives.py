"""Queue of page views, whom a list showed, anchors, archives, findings; the fence around them.

The triggers are set to fire always: also for a session that calls itself a replica.
"""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

_TABLES = ("audit_entry", "audit_seal", "audit_anchor", "audit_archive", "audit_finding", "audit_review")
_FENCE = """
alter table audit_queued set unlogged;
drop trigger audit_frozen on audit_entry; drop trigger audit_kept on audit_entry;
drop trigger seal_frozen on audit_seal; drop trigger seal_kept on audit_seal;
""" + "".join(
    f"""
create trigger {t}_frozen before update or delete on {t}
  for each row execute function xueji_refuse_audit_change();
create trigger {t}_kept before truncate on {t}
  for each statement execute function xueji_refuse_audit_change();
alter table {t} enable always trigger {t}_frozen;
alter table {t} enable always trigger {t}_kept;
"""
    for t in (*_TABLES, "audit_queued")
)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_entry_hashes"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditAnchor",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField()),
                ("made_by", models.CharField(max_length=60)),
                ("seal_id", models.BigIntegerField()),
                ("content", models.JSONField(help_text="the anchor, word for word, with its signature")),
            ],
            options={
                "db_table": "audit_anchor",
            },
        ),
        migrations.CreateModel(
            name="AuditArchive",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField()),
                ("month", models.DateField(help_text="its first day")),
                ("kind", models.CharField(help_text="class of entries, see retention.py", max_length=12)),
                ("first_id", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                (
                    "entry_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("file_name", models.CharField(max_length=120)),
                ("size", models.BigIntegerField()),
                ("sha256", models.BinaryField()),
                ("sm3", models.BinaryField()),
                ("signature", models.JSONField()),
            ],
            options={
                "db_table": "audit_archive",
            },
        ),
        migrations.CreateModel(
            name="AuditFinding",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField()),
                ("day", models.DateField()),
                ("rule", models.CharField(max_length=20)),
                ("user_id", models.BigIntegerField()),
                ("user_name", models.CharField(max_length=60)),
                ("role", models.CharField(max_length=20)),
                ("org_id", models.IntegerField(null=True)),
                ("figures", models.JSONField()),
            ],
            options={
                "db_table": "audit_finding",
            },
        ),
        migrations.CreateModel(
            name="AuditQueued",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("user_id", models.BigIntegerField(null=True)),
                ("user_name", models.CharField(max_length=60)),
                ("role", models.CharField(max_length=20)),
                ("org_id", models.IntegerField(null=True)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("action", models.CharField(max_length=60)),
                ("object_type", models.CharField(blank=True, max_length=30)),
                ("object_id", models.CharField(blank=True, max_length=64)),
                ("person_id", models.UUIDField(null=True)),
                ("purpose", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "db_table": "audit_queued",
            },
        ),
        migrations.CreateModel(
            name="AuditReview",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("user_id", models.BigIntegerField()),
                ("user_name", models.CharField(max_length=60)),
                (
                    "verdict",
                    models.CharField(
                        choices=[("fine", "工作需要"), ("follow", "继续关注"), ("misuse", "违规查看")],
                        max_length=10,
                    ),
                ),
                ("note", models.CharField(max_length=300)),
            ],
            options={
                "db_table": "audit_review",
            },
        ),
        migrations.AddField(
            model_name="auditentry",
            name="person_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(),
                help_text="whom a list, a search, a print or an export showed",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="auditseal",
            name="version",
            field=models.SmallIntegerField(default=1, help_text="which form of arithmetic, see chain.py"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("person_ids__isnull", False)),
                fields=["person_ids"],
                name="audit_entry_people",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditarchive",
            constraint=models.UniqueConstraint(fields=("file_name",), name="audit_archive_file"),
        ),
        migrations.AddIndex(
            model_name="auditfinding",
            index=models.Index(fields=["day"], name="audit_findi_day_141136_idx"),
        ),
        migrations.AddConstraint(
            model_name="auditfinding",
            constraint=models.UniqueConstraint(fields=("day", "rule", "user_id"), name="audit_finding_once"),
        ),
        migrations.AddField(
            model_name="auditreview",
            name="finding",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="audit.auditfinding"),
        ),
        migrations.RunSQL(_FENCE, migrations.RunSQL.noop),
    ]
