-- The keys of people by a whole name or a whole number, for the audit administrator alone: so that he can ask the audit
-- about a person without opening a list of pupils. Nothing but keys comes back. The search itself is entered before.
create or replace function xueji_audit_find(
  p_name text, p_id_types text[], p_id_indexes bytea[], p_schemes text[], p_no_indexes bytea[]
) returns setof uuid language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  v_path text;
begin
  select o.path into v_path
    from role_assignment ra join org o on o.id = ra.org_id
   where ra.user_id = xueji_scope_user() and ra.role = 'audit_admin'
     and ra.valid_from <= current_date and (ra.valid_to is null or ra.valid_to >= current_date)
   order by length(o.path) limit 1;
  if v_path is null then
    return;
  end if;
  return query
    with hits as (
      select l.person_id from unnest(p_id_types, p_id_indexes) as w(id_type, bidx)
        join identity_lookup l on l.id_type = w.id_type and l.bidx = w.bidx
      union
      select l.person_id from unnest(p_schemes, p_no_indexes) as w(scheme, bidx)
        join number_lookup l on l.scheme = w.scheme and l.bidx = w.bidx
      union
      select p.person_id from person p where p_name <> '' and p.name = p_name
    )
    select h.person_id from hits h
     where exists (select 1 from roster r join org o on o.id = r.school_id
                    where r.person_id = h.person_id and o.path like v_path || '%')
     limit 20;
end $$;

revoke all on function xueji_audit_find(text, text[], bytea[], text[], bytea[]) from public;
grant execute on function xueji_audit_find(text, text[], bytea[], text[], bytea[]) to xueji_app;
