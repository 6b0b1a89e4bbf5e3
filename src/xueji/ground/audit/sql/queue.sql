-- Plain views of a page: noted by one statement, taken into the audit by the worker in the order in which they came.
create or replace function xueji_audit_note(
  p_user bigint, p_name text, p_role text, p_org int, p_address text, p_action text, p_type text, p_object text,
  p_person uuid, p_purpose text
) returns void language sql security definer set search_path = public, pg_temp as $$
  insert into audit_queued (at, user_id, user_name, role, org_id, address, action, object_type, object_id, person_id,
                            purpose)
  values (clock_timestamp(), p_user, p_name, p_role, p_org, p_address, p_action, p_type, p_object, p_person, p_purpose)
$$;

-- Rows that another flush holds are left to it; a row is in one of the two tables, never in both and never in none.
create or replace function xueji_audit_flush(p_most int) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_moved bigint;
begin
  perform set_config('xueji.audit_flush', 'on', true);
  with taken as (
    delete from audit_queued where id in (
      select id from audit_queued order by id limit p_most for update skip locked)
    returning *
  )
  insert into audit_entry (at, user_id, user_name, role, org_id, address, action, object_type, object_id, person_id,
                           purpose, row_count)
  select at, user_id, user_name, role, org_id, address, action, object_type, object_id, person_id, purpose, 1
    from taken order by id;
  get diagnostics v_moved = row_count;
  perform set_config('xueji.audit_flush', '', true);
  return v_moved;
end $$;

revoke all on function xueji_audit_note(bigint, text, text, int, text, text, text, text, uuid, text) from public;
revoke all on function xueji_audit_flush(int) from public;
grant execute on function xueji_audit_note(bigint, text, text, int, text, text, text, text, uuid, text)
  to xueji_app, xueji_writer, xueji_intake, xueji_audit;
grant execute on function xueji_audit_flush(int) to xueji_app, xueji_audit;

-- A list of pupils or a file on its way out: entered at once, by one statement, before the answer leaves.
create or replace function xueji_audit_shown(
  p_user bigint, p_name text, p_role text, p_org int, p_address text, p_action text, p_type text, p_object text,
  p_person uuid, p_persons uuid[], p_many int
) returns void language sql security definer set search_path = public, pg_temp as $$
  insert into audit_entry (at, user_id, user_name, role, org_id, address, action, object_type, object_id, person_id,
                           person_ids, purpose, row_count)
  values (clock_timestamp(), p_user, p_name, p_role, p_org, p_address, p_action, p_type, p_object, p_person, p_persons,
          '', p_many)
$$;

revoke all on function xueji_audit_shown(bigint, text, text, int, text, text, text, text, uuid, uuid[], int) from public;
grant execute on function xueji_audit_shown(bigint, text, text, int, text, text, text, text, uuid, uuid[], int)
  to xueji_app;
