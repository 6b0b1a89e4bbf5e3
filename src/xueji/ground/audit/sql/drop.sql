-- Takes the entries of an archive out of the table: for the owner alone, after the file was read again and verified.
-- The seals stay and keep the digests of the entries, so that the chain is verified as before. Nothing younger than
-- six months ever goes (网络安全法: 日志留存不少于六个月).
create or replace function xueji_audit_drop(p_archive bigint, p_sha256 bytea) returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
  v_ids bigint[]; v_sha bytea; v_gone bigint;
begin
  select entry_ids, sha256 into v_ids, v_sha from audit_archive where id = p_archive;
  if not found or v_sha is distinct from p_sha256 then
    raise exception 'no such archive, or another file than the one that was written down' using errcode = 'check_violation';
  end if;
  if exists (select 1 from audit_entry e join unnest(v_ids) i(id) on i.id = e.id
              where e.at > now() - interval '6 months') then
    raise exception 'entries younger than six months are never dropped' using errcode = 'check_violation';
  end if;
  perform set_config('xueji.audit_archive', p_archive::text, true);
  delete from audit_entry e using unnest(v_ids) i(id) where e.id = i.id;
  get diagnostics v_gone = row_count;
  perform set_config('xueji.audit_archive', '', true);
  insert into audit_entry (at, user_name, role, address, action, object_type, object_id, purpose, row_count, digest)
  values (clock_timestamp(), session_user, 'system', '', 'audit.archive.drop', 'archive', p_archive::text, '', v_gone,
          v_sha);
  return v_gone;
end $$;

revoke all on function xueji_audit_drop(bigint, bytea) from public;
