-- The scope of the session, read by every policy. Nothing set: null, and `= any(null)` is never true.
create or replace function xueji_scope_orgs() returns int[] language sql stable parallel safe
as $$ select nullif(current_setting('xueji.orgs', true), '')::int[] $$;

create or replace function xueji_scope_classes() returns int[] language sql stable parallel safe
as $$ select nullif(current_setting('xueji.classes', true), '')::int[] $$;

create or replace function xueji_scope_persons() returns uuid[] language sql stable parallel safe
as $$ select nullif(current_setting('xueji.persons', true), '')::uuid[] $$;

create or replace function xueji_scope_user() returns bigint language sql stable parallel safe
as $$ select nullif(current_setting('xueji.user', true), '')::bigint $$;

-- The unit whose accounts the session manages, with everything below it: its path, null for everybody else.
create or replace function xueji_scope_unit() returns text language sql stable parallel safe
as $$ select nullif(current_setting('xueji.unit', true), '') $$;

-- Accounts that hold or held a role in the units of the scope: colleagues, whose names and offices staff may read.
create or replace function xueji_scope_peers() returns bigint[]
language sql stable security definer set search_path = public, pg_temp as $$
  select array_agg(distinct ra.user_id) from role_assignment ra
   where ra.org_id = any(xueji_scope_orgs())
$$;
revoke all on function xueji_scope_peers() from public;
grant execute on function xueji_scope_peers() to xueji_app;

-- Sets the scope for this transaction. SET LOCAL inside a function is propagated by Citus, set_config is not.
drop function if exists xueji_set_scope(bigint, int[], int[], uuid[]);
create or replace function xueji_set_scope(
  p_user bigint, p_orgs int[], p_classes int[], p_persons uuid[], p_unit text default null
) returns void language plpgsql as $$
begin
  execute format('set local xueji."user" = %L', coalesce(p_user::text, ''));
  execute format('set local xueji.orgs = %L', coalesce(p_orgs::text, ''));
  execute format('set local xueji.classes = %L', coalesce(p_classes::text, ''));
  execute format('set local xueji.persons = %L', coalesce(p_persons::text, ''));
  execute format('set local xueji.unit = %L', coalesce(p_unit, ''));
end $$;

-- Enters the scope of one role assignment of an account (or its first, if none is named) and tells who that is.
-- One round trip at the start of each request. An account that is locked out, closed or without a role enters
-- nothing.
drop function if exists xueji_enter(bigint, bigint, date);
create function xueji_enter(p_user bigint, p_assignment bigint, p_today date)
returns table (
  assignment_id bigint, role text, org_id int, org_kind text, org_name text, org_path text, county_id int,
  class_id int, username text, display_name text, must_change boolean, orgs int[], classes int[], persons uuid[],
  others jsonb, actions text[]
) language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a record; v_orgs int[]; v_classes int[]; v_persons uuid[]; v_others jsonb; v_actions text[]; v_unit text;
begin
  perform xueji_set_scope(null, null, null, null);
  select ra.id, ra.role, ra.org_id, ra.school_class_id, o.kind, o.name, o.path, s.county_id,
         u.username, u.display_name, u.must_change_password
    into a
    from account_user u
    join role_assignment ra on ra.user_id = u.id
    left join org o on o.id = ra.org_id
    left join school s on s.org_id = ra.org_id
   where u.id = p_user and u.is_active
     and coalesce(s.entry, 'admitted') = 'admitted'  -- nobody works at a school that is not in the network
     and ra.valid_from <= p_today and (ra.valid_to is null or ra.valid_to >= p_today)
   order by (ra.id = p_assignment) desc nulls last, ra.id
   limit 1;
  if not found then
    return;
  end if;
  -- Other identities to switch to; several classes of one school are one identity.
  select jsonb_agg(jsonb_build_object('id', ra.id, 'role', ra.role, 'org', o.name, 'class_id', ra.school_class_id)
                   order by ra.id)
    into v_others
    from role_assignment ra left join org o on o.id = ra.org_id left join school s on s.org_id = ra.org_id
   where coalesce(s.entry, 'admitted') = 'admitted' and ra.user_id = p_user and (ra.role, ra.org_id) is distinct from (a.role, a.org_id)
     and ra.valid_from <= p_today and (ra.valid_to is null or ra.valid_to >= p_today);
  if a.role in ('registrar', 'school_head') then
    v_orgs := array[a.org_id];
  elsif a.role in ('class_teacher', 'teacher') then
    select array_agg(ra.school_class_id) into v_classes
      from role_assignment ra
     where ra.user_id = p_user and ra.role = a.role and ra.org_id = a.org_id
       and ra.valid_from <= p_today and (ra.valid_to is null or ra.valid_to >= p_today);
    if a.role = 'teacher' then
      v_classes := xueji_teaching_classes(v_classes, a.org_id, p_today);
    end if;
  elsif a.role = 'central_clerk' then
    select array_agg(o.id) into v_orgs from org o where o.path like a.path || '%' and o.kind in ('central', 'school');
  elsif a.role in ('county_clerk', 'county_head', 'city_clerk', 'city_head', 'province_clerk', 'province_head') then
    select array_agg(o.id) into v_orgs
      from org o where o.path like a.path || '%' and o.kind in ('nation', 'province', 'city', 'county');
  elsif a.role in ('parent', 'student') then
    v_persons := xueji_children(p_user, a.role = 'student', p_today);
  end if;
  v_actions := xueji_actions(a.role, a.path, p_today);
  if v_actions && array['account.manage', 'account.manage_own'] then
    v_unit := a.path;
  end if;
  perform xueji_set_scope(p_user, v_orgs, v_classes, v_persons, v_unit);
  return query select a.id, a.role::text, a.org_id, a.kind::text, a.name::text, a.path::text, a.county_id,
    a.school_class_id, a.username::text, a.display_name::text, a.must_change_password,
    coalesce(v_orgs, '{}'), coalesce(v_classes, '{}'), coalesce(v_persons, '{}'), coalesce(v_others, '[]'), v_actions;
end $$;

revoke all on function xueji_enter(bigint, bigint, date) from public;
grant execute on function xueji_enter(bigint, bigint, date) to xueji_app;
