"""Each seal keeps the digests of its entries, so that verification names the broken one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_guard")]
    operations = [
        migrations.AddField("auditseal", "entry_hashes", models.BinaryField(default=b"")),
    ]
