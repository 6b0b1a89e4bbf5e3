-- The audit refuses to be edited, also by the owner's ordinary statements. Two things are let through, each by one
-- procedure: entries that lie in a verified archive (drop.sql), and queued page views on their way into the audit
-- (queue.sql). Whoever pretends to be one of them leaves a hole that `xueji verify audit` finds.
create or replace function xueji_refuse_audit_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and tg_table_name = 'audit_queued' and current_setting('xueji.audit_flush', true) = 'on' then
    return old;
  end if;
  if tg_op = 'DELETE' and tg_table_name = 'audit_entry' and current_setting('xueji.audit_archive', true) <> '' then
    perform 1 from audit_archive
      where id = current_setting('xueji.audit_archive', true)::bigint and old.id between first_id and last_id;
    if found then
      return old;
    end if;
  end if;
  raise exception 'the audit is never edited: % on % is refused', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end $$;
