-- After the undo of an import the child may be put on record anew: its identity number is claimed by nobody. Only
-- rows of children whose chain has become the one link 'undo' (enrolment/voiding.py); their closed documents stay.
create or replace function xueji_release_identity(p_persons uuid[]) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_rows integer;
begin
  delete from identity_lookup l
   where l.person_id = any(p_persons)
     and exists (select 1 from enrolment_state s where s.person_id = l.person_id and s.kind = 1
                  and s.valid_to is null and s.business = 'undo' and s.status = 18 and s.from_status = 0);
  get diagnostics v_rows = row_count;
  return v_rows;
end $$;

alter function xueji_release_identity(uuid[]) owner to xueji_relink;
revoke all on function xueji_release_identity(uuid[]) from public;
grant execute on function xueji_release_identity(uuid[]) to xueji_writer;
