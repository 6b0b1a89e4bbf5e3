from django.db import migrations


class Migration(migrations.Migration):
    """A list is checked again and again while it is prepared: rows change in place, indexes stay as they are."""

    dependencies = [("yearly", "0003_guard_rows")]
    operations = [
        migrations.RunSQL("alter table graduation_item set (fillfactor = 50)", migrations.RunSQL.noop)
    ]
