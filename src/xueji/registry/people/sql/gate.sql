-- The gate of the index key: every transaction that claims or looks up numbers passes here first and holds it until it
-- ends, so that the key changes (crypto/reindex.py) while nobody is between computing an index and using it. Tells which
-- key is in force: of plpgsql, so that this is read after the lock, not before.
create or replace function xueji_index_gate() returns text
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform pg_advisory_xact_lock_shared(7310005);
  return (select key_id from vault_key where purpose = 'index' and state = 'active');
end $$;
revoke all on function xueji_index_gate() from public;
grant execute on function xueji_index_gate() to xueji_app, xueji_writer, xueji_intake, xueji_audit;
