-- People by the blind index of a whole number, present or former, within the session's scope.
-- The lookup tables are closed to the application: only this function reads them for it, and it answers for
-- children whose record or whose roster row (a former school keeps one) lies in scope.
create or replace function xueji_find_people(
  p_id_types text[], p_id_indexes bytea[], p_schemes text[], p_no_indexes bytea[]
) returns setof uuid language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  v_orgs int[] := xueji_scope_orgs();
  v_classes int[] := xueji_scope_classes();
  v_persons uuid[] := xueji_scope_persons();
begin
  return query
    with hits as (
      select l.person_id from unnest(p_id_types, p_id_indexes) as w(id_type, bidx)
        join identity_lookup l on l.id_type = w.id_type and l.bidx = w.bidx
      union
      select l.person_id from unnest(p_schemes, p_no_indexes) as w(scheme, bidx)
        join number_lookup l on l.scheme = w.scheme and l.bidx = w.bidx
    )
    select h.person_id from hits h
     where exists (
             select 1 from person p where p.person_id = h.person_id
                and (p.readers && v_orgs or p.klasses && v_classes or p.person_id = any(v_persons)))
        or exists (
             select 1 from roster r where r.person_id = h.person_id
                and (r.county_id = any(v_orgs) or r.school_id = any(v_orgs) or r.class_id = any(v_classes)))
     limit 50;
end $$;

alter function xueji_find_people(text[], bytea[], text[], bytea[]) owner to xueji_search;
revoke all on function xueji_find_people(text[], bytea[], text[], bytea[]) from public;
grant execute on function xueji_find_people(text[], bytea[], text[], bytea[]) to xueji_app;
