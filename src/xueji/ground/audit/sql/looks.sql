-- Who looked at one child, and what for: answered for the child's own family (or the child), and for staff in whose
-- units the record lies. Newest first; the views that still wait in the queue included. Nothing for anybody else.
drop function if exists xueji_looks_at(uuid, timestamptz, int);
create function xueji_looks_at(p_person uuid, p_since timestamptz, p_limit int)
returns table (at timestamptz, user_id bigint, user_name text, role text, org_id int, org_name text, action text,
               object_type text, purpose text, many int)
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  -- A court keeps this parent away from where the child is: then neither unit nor name is told.
  v_hide boolean := coalesce(p_person = any(xueji_no_case()), false);
begin
  if p_person is null or not coalesce(p_person = any(xueji_scope_persons()), false)
     and not exists (select 1 from person p where p.person_id = p_person and p.readers && xueji_scope_orgs()) then
    return;
  end if;
  return query
    select f.at, f.user_id, case when v_hide then null else f.user_name::text end, f.role::text,
           case when v_hide then null else f.org_id end, case when v_hide then null else o.name::text end, f.action::text,
           f.object_type::text, f.purpose::text, f.many
      from (
        (select e.at, e.user_id, e.user_name, e.role, e.org_id, e.action, e.object_type, e.purpose, e.row_count as many
           from audit_entry e
          where e.person_id = p_person and e.at >= coalesce(p_since, '-infinity')
          order by e.at desc limit p_limit)
        union all
        (select e.at, e.user_id, e.user_name, e.role, e.org_id, e.action, e.object_type, e.purpose, e.row_count
           from audit_entry e
          where e.person_ids @> array[p_person] and e.person_id is distinct from p_person
            and e.at >= coalesce(p_since, '-infinity')
          order by e.at desc limit p_limit)
        union all
        (select q.at, q.user_id, q.user_name, q.role, q.org_id, q.action, q.object_type, q.purpose, 1
           from audit_queued q
          where q.person_id = p_person and q.at >= coalesce(p_since, '-infinity')
          order by q.at desc limit p_limit)
      ) f left join org o on o.id = f.org_id
     order by f.at desc limit p_limit;
end $$;

revoke all on function xueji_looks_at(uuid, timestamptz, int) from public;
grant execute on function xueji_looks_at(uuid, timestamptz, int) to xueji_app;
