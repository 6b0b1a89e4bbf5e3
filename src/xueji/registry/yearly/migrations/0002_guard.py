"""What the database refuses of a list, whoever asks: illegal steps of its status, changes after its end."""

from django.db import migrations

GUARD = """
create function xueji_guard_list() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.status <> 'draft' then
      raise exception 'a list begins as a draft' using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  if old.status = new.status and old.status not in ('done', 'refused', 'cancelled') then
    return new;
  end if;
  if not (old.status || '>' || new.status = any (array[
      'draft>running', 'draft>cancelled', 'running>draft', 'running>returned', 'running>approved', 'running>done',
      'running>refused', 'running>cancelled', 'returned>running', 'returned>cancelled', 'approved>done'])) then
    raise exception 'a list cannot go from % to %', old.status, new.status using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

create trigger list_guard before insert or update on graduation_list
  for each row execute function xueji_guard_list();

-- What a list said when it ended stays. One look for a statement, however many rows it has.
create function xueji_guard_list_rows() returns trigger language plpgsql as $$
begin
  if exists (select 1 from changed_rows r join graduation_list l using (list_id)
              where l.status in ('done', 'refused', 'cancelled')) then
    raise exception 'an ended list is never edited: % on %', tg_op, tg_table_name using errcode = 'restrict_violation';
  end if;
  return null;
end $$;

create trigger item_guard_insert after insert on graduation_item referencing new table as changed_rows
  for each statement execute function xueji_guard_list_rows();
create trigger item_guard_update after update on graduation_item referencing old table as changed_rows
  for each statement execute function xueji_guard_list_rows();
create trigger item_guard_delete after delete on graduation_item referencing old table as changed_rows
  for each statement execute function xueji_guard_list_rows();
create trigger step_guard_update after update on graduation_step referencing old table as changed_rows
  for each statement execute function xueji_guard_list_rows();
"""


class Migration(migrations.Migration):
    dependencies = [("yearly", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, migrations.RunSQL.noop)]
