"""Staging need not survive a crash: a batch is read again from its file."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_initial")]
    operations = [
        migrations.RunSQL("alter table staged_row set unlogged", "alter table staged_row set logged")
    ]
