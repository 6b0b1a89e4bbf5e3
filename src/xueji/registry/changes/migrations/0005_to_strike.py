"""Transfers whose number is still to be struck are found without looking through all that are done."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("changes", "0004_open_cases"),
    ]

    operations = [
        migrations.RunSQL(
            """create index case_to_strike on case_ (from_school_id)
                where business = 'transfer' and status = 'done'
                  and summary -> 'handover' @> '{"card": true}' and not summary -> 'handover' ? 'struck_on'""",
            "drop index case_to_strike",
        ),
    ]
