-- Accounts before there is a scope, and names that pages show: narrow doors in the closed tables of this room.

-- Names of colleagues who acted: of accounts that hold or held an office, never of parents and pupils. For whoever is
-- signed in.
create or replace function xueji_staff_names(p_users bigint[]) returns table (user_id bigint, name text)
language sql stable security definer set search_path = public, pg_temp as $$
  select u.id, u.display_name::text from account_user u
   where xueji_scope_user() is not null and u.id = any(p_users)
     and exists (select 1 from role_assignment ra where ra.user_id = u.id and ra.role not in ('parent', 'student'))
$$;
revoke all on function xueji_staff_names(bigint[]) from public;
grant execute on function xueji_staff_names(bigint[]) to xueji_app, xueji_writer;

-- Who holds an office of a unit today, with the telephone of the office: what parties of a case are told.
create or replace function xueji_officers(p_orgs int[], p_roles text[], p_today date)
returns table (org_id int, role text, name text, phone text)
language sql stable security definer set search_path = public, pg_temp as $$
  select ra.org_id, ra.role::text, u.display_name::text, coalesce(nullif(p.phone, ''), u.phone)::text
    from unnest(p_orgs, p_roles) w(org, role)
    join role_assignment ra on ra.org_id = w.org and ra.role = w.role
    join account_user u on u.id = ra.user_id
    -- Where a post of the school takes the part, the step is this person's (posts).
    left join school_post p on p.org_id = ra.org_id and p.part = ra.role and p.user_id = ra.user_id
     and p.since <= p_today and p.until is null
   where xueji_scope_user() is not null and w.role not in ('parent', 'student', 'class_teacher', 'teacher')
     and u.is_active and ra.valid_from <= p_today and (ra.valid_to is null or ra.valid_to >= p_today)
   order by (p.id is not null), ra.id desc
$$;
revoke all on function xueji_officers(int[], text[], date) from public;
grant execute on function xueji_officers(int[], text[], date) to xueji_app, xueji_writer;

-- The class teachers of classes: for whoever has the class, its school or its county in scope.
create or replace function xueji_class_teachers(p_classes int[], p_today date)
returns table (class_id int, name text)
language sql stable security definer set search_path = public, pg_temp as $$
  select ra.school_class_id, u.display_name::text
    from role_assignment ra join account_user u on u.id = ra.user_id
    join school_class k on k.id = ra.school_class_id join school s on s.org_id = k.school_id
   where ra.role = 'class_teacher' and ra.school_class_id = any(p_classes) and u.is_active
     and ra.valid_from <= p_today and (ra.valid_to is null or ra.valid_to >= p_today)
     and (k.id = any(xueji_scope_classes()) or k.school_id = any(xueji_scope_orgs())
          or s.county_id = any(xueji_scope_orgs()))
   order by ra.id
   limit 2000
$$;
revoke all on function xueji_class_teachers(int[], date) from public;
grant execute on function xueji_class_teachers(int[], date) to xueji_app, xueji_writer;

-- How many accounts there are, for the state of the system.
create or replace function xueji_account_count() returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select count(*) from account_user where is_active
$$;
revoke all on function xueji_account_count() from public;
grant execute on function xueji_account_count() to xueji_app, xueji_writer;
