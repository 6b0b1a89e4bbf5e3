-- The only way to take rows of a person's record away again: the copies that one merge made, while it is being undone
-- (architecture, Settled 3). What the merge did not write cannot be reached by it.
create or replace function xueji_unmerge_rows(p_merge uuid, p_kept uuid) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_all int := 0;
  v_n int;
begin
  delete from person_name t using person_merge_row r where r.merge_id = p_merge and r.op = 'insert'
     and r.tbl = 'person_name' and t.person_id = p_kept and t.name_no = (r.key->>'name_no')::int;
  get diagnostics v_n = row_count; v_all := v_all + v_n;
  delete from guardian t using person_merge_row r where r.merge_id = p_merge and r.op = 'insert'
     and r.tbl = 'guardian' and t.person_id = p_kept and t.guardian_no = (r.key->>'guardian_no')::int;
  get diagnostics v_n = row_count; v_all := v_all + v_n;
  delete from student_number t using person_merge_row r where r.merge_id = p_merge and r.op = 'insert'
     and r.tbl = 'student_number' and t.person_id = p_kept and t.number_no = (r.key->>'number_no')::int
     and not exists (select 1 from number_lookup l where l.person_id = p_kept and l.number_no = t.number_no);
  get diagnostics v_n = row_count; v_all := v_all + v_n;
  delete from identity_document t using person_merge_row r where r.merge_id = p_merge and r.op = 'insert'
     and r.tbl = 'identity_document' and t.person_id = p_kept and t.doc_no = (r.key->>'doc_no')::int
     and not exists (select 1 from identity_lookup l where l.person_id = p_kept and l.doc_no = t.doc_no);
  get diagnostics v_n = row_count; v_all := v_all + v_n;
  delete from person_photo t using person_merge_row r where r.merge_id = p_merge and r.op = 'insert'
     and r.tbl = 'person_photo' and t.person_id = p_kept;
  get diagnostics v_n = row_count; v_all := v_all + v_n;
  delete from person_profile t using person_merge_row r where r.merge_id = p_merge and r.op = 'insert'
     and r.tbl = 'person_profile' and t.person_id = p_kept;
  get diagnostics v_n = row_count; v_all := v_all + v_n;
  return v_all;
end $$;

alter function xueji_unmerge_rows(uuid, uuid) owner to xueji_relink;
revoke all on function xueji_unmerge_rows(uuid, uuid) from public;
grant execute on function xueji_unmerge_rows(uuid, uuid) to xueji_writer;
