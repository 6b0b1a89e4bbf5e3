"""The audit refuses to be edited, also by the owner's ordinary statements."""

from django.db import migrations

FROZEN = """
create function xueji_refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit is never edited: % on % is refused', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end $$;
create trigger audit_frozen before update or delete on audit_entry
  for each row execute function xueji_refuse_audit_change();
create trigger audit_kept before truncate on audit_entry
  for each statement execute function xueji_refuse_audit_change();
create trigger seal_frozen before update or delete on audit_seal
  for each row execute function xueji_refuse_audit_change();
create trigger seal_kept before truncate on audit_seal
  for each statement execute function xueji_refuse_audit_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(FROZEN, migrations.RunSQL.noop)]
