-- What the head of a school may read of the audit: reading of the own school's pupils, by anybody who works, in the time in
-- which they were the school's, and reading by the own staff. Reports of misuse, incidents and the work of the
-- administrators of the audit stay with those who handle them: a unit does not learn who looks into it. Families read
-- their own children; that is nobody's unusual reading. The right is asked here once more.
create or replace function xueji_head_of(p_school int) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select p_school is not null and coalesce(p_school = any(xueji_scope_orgs()), false) and exists (
    select 1 from role_assignment ra join org o on o.id = ra.org_id
     where ra.user_id = xueji_scope_user() and ra.role = 'school_head' and ra.org_id = p_school and o.kind = 'school'
       and ra.valid_from <= (now() at time zone 'Asia/Shanghai')::date
       and (ra.valid_to is null or ra.valid_to >= (now() at time zone 'Asia/Shanghai')::date)
       and 'audit.school' = any(xueji_actions('school_head', o.path, (now() at time zone 'Asia/Shanghai')::date)))
$$;

-- Deeds that a school is told of.
create or replace function xueji_school_told(p_action text, p_role text) returns boolean language sql immutable
as $$ select p_action not like 'audit.%' and p_action not like 'privacy.%'
  and p_role not in ('parent', 'student', 'system', 'system_admin', 'security_admin', 'audit_admin', '') $$;

-- The times in which pupils were the school's, apart from each other: a guest of last year who is enrolled since autumn was
-- not the school's in between. A name and a class as the school knows them.
create or replace function xueji_school_stays(p_school int)
returns table (person_id uuid, since timestamptz, until timestamptz, name text, class_id int)
language sql stable as $$
  select p.person_id, lower(w), upper(w), p.name, p.class_id
    from (select r.person_id, max(r.name) as name, max(r.class_id) as class_id,
                 range_agg(tstzrange(r.since, coalesce(r.until, 'infinity'))) as stays
            from roster r
           where r.school_id = p_school and r.reason <> 'case' and r.since < coalesce(r.until, 'infinity')
           group by r.person_id) p
   cross join lateral unnest(p.stays) w
$$;

-- By time, newest first, a page by key (time and number). With a person: also the lists that showed this pupil.
drop function if exists xueji_school_looks(int, timestamptz, timestamptz, text[], bigint, uuid, timestamptz, bigint, int);
create function xueji_school_looks(
  p_school int, p_since timestamptz, p_until timestamptz, p_actions text[], p_user bigint, p_person uuid,
  p_before timestamptz, p_before_id bigint, p_limit int
) returns table (id bigint, at timestamptz, user_id bigint, user_name text, role text, org_id int, org_name text,
                 action text, purpose text, person_id uuid, name text, many int)
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  v_above int[]; v_until timestamptz := coalesce(least(p_until, p_before), p_until); v_last bigint;
begin
  if not xueji_head_of(p_school) then
    return;
  end if;
  v_last := coalesce(p_before_id, 9223372036854775807);
  select array_remove(xueji_path_orgs(o.path), p_school) into v_above from org o where o.id = p_school;
  return query
    with mine as materialized (
      select * from xueji_school_stays(p_school) s where p_person is null or s.person_id = p_person),
    own as (
      select e.* from audit_entry e
       where e.org_id = p_school and e.at >= p_since and e.at <= v_until and e.at < p_until
         and (e.at < v_until or e.id < v_last or p_before is null)
         and e.action = any(p_actions) and xueji_school_told(e.action, e.role)
         and (p_user is null or e.user_id = p_user)
         and (p_person is null or ((e.person_id = p_person or e.person_ids @> array[p_person])
                                   and exists (select 1 from mine)))
       order by e.at desc, e.id desc limit p_limit),
    opened as (
      select x.* from mine m cross join lateral (
        select e.* from audit_entry e
         where e.person_id = m.person_id and e.at >= greatest(p_since, m.since) and e.at <= v_until
           and e.at < least(p_until, m.until) and (e.at < v_until or e.id < v_last or p_before is null)
           and e.org_id is distinct from p_school and e.action = any(p_actions)
           and xueji_school_told(e.action, e.role) and (p_user is null or e.user_id = p_user)
         order by e.at desc, e.id desc limit p_limit) x
       order by x.at desc, x.id desc limit p_limit),
    listed as (
      select e.* from audit_entry e
       where e.org_id = any(v_above) and e.person_id is null and e.person_ids is not null
         and e.at >= p_since and e.at <= v_until and e.at < p_until
         and (e.at < v_until or e.id < v_last or p_before is null)
         and e.action = any(p_actions) and xueji_school_told(e.action, e.role)
         and (p_user is null or e.user_id = p_user)
         and exists (select 1 from unnest(e.person_ids) u(p) join mine m on m.person_id = u.p
                      where e.at >= m.since and e.at < m.until)
       order by e.at desc, e.id desc limit p_limit)
    select f.id, f.at, f.user_id, f.user_name::text, f.role::text, f.org_id, o.name::text, f.action::text,
           f.purpose::text, m.person_id, m.name,
           case when f.person_id is not null then 1
                when f.org_id = p_school then f.row_count
                else (select count(*)::int from unnest(f.person_ids) u(p) join mine k on k.person_id = u.p
                       where f.at >= k.since and f.at < k.until) end
      from (select * from own union all select * from opened union all select * from listed) f
      left join org o on o.id = f.org_id
      left join mine m on m.person_id = f.person_id and f.at >= m.since and f.at < m.until
     order by f.at desc, f.id desc limit p_limit;
end $$;

-- By person who read: so many pupils opened, so often, how much of it hidden fields, papers and files, at night.
drop function if exists xueji_school_readers(int, timestamptz, timestamptz, text[], text[], text[], int, bigint, int);
create function xueji_school_readers(
  p_school int, p_since timestamptz, p_until timestamptz, p_actions text[], p_reveals text[], p_outs text[],
  p_before int, p_before_user bigint, p_limit int
) returns table (user_id bigint, user_name text, role text, org_id int, org_name text, pupils int, looks int,
                 reveals int, outs int, night int, last_at timestamptz)
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  if not xueji_head_of(p_school) then
    return;
  end if;
  return query
    with mine as materialized (select * from xueji_school_stays(p_school)),
    e as (
      select a.user_id, a.user_name, a.role, a.org_id, a.person_id, a.action, a.at from audit_entry a
       where a.org_id = p_school and a.at >= p_since and a.at < p_until and a.action = any(p_actions)
         and a.user_id is not null and xueji_school_told(a.action, a.role)
      union all
      select x.* from mine m cross join lateral (
        select a.user_id, a.user_name, a.role, a.org_id, a.person_id, a.action, a.at from audit_entry a
         where a.person_id = m.person_id and a.at >= greatest(p_since, m.since) and a.at < least(p_until, m.until)
           and a.org_id is distinct from p_school and a.action = any(p_actions) and a.user_id is not null
           and xueji_school_told(a.action, a.role)) x),
    g as (
      select e.user_id, max(e.user_name) as user_name, max(e.role) as role, max(e.org_id) as org_id,
             count(distinct e.person_id)::int as pupils, count(*)::int as looks,
             (count(*) filter (where e.action = any(p_reveals)))::int as reveals,
             (count(*) filter (where e.action = any(p_outs)))::int as outs,
             (count(*) filter (where extract(hour from e.at at time zone 'Asia/Shanghai') not between 6 and 21))::int
               as night, max(e.at) as last_at
        from e group by e.user_id)
    select g.user_id, g.user_name::text, g.role::text, g.org_id, o.name::text, g.pupils, g.looks, g.reveals, g.outs,
           g.night, g.last_at
      from g left join org o on o.id = g.org_id
     where p_before is null or (g.pupils, g.user_id) < (p_before, p_before_user)
     order by g.pupils desc, g.user_id desc limit p_limit;
end $$;

-- By pupil: how often the record was opened, by how many people, how often from other units. With a name: pupils so named.
drop function if exists xueji_school_read(int, timestamptz, timestamptz, text[], text, int, uuid, int);
create function xueji_school_read(
  p_school int, p_since timestamptz, p_until timestamptz, p_actions text[], p_name text, p_before int,
  p_before_person uuid, p_limit int
) returns table (person_id uuid, name text, class_id int, looks int, readers int, outside int, last_at timestamptz)
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  if not xueji_head_of(p_school) then
    return;
  end if;
  return query
    with mine as materialized (
      select * from xueji_school_stays(p_school) s where p_name = '' or starts_with(s.name, p_name))
    select m.person_id, m.name, m.class_id, x.looks, x.readers, x.outside, x.last_at
      from (select distinct k.person_id, k.name, k.class_id from mine k) m cross join lateral (
        select count(*)::int as looks, count(distinct a.user_id)::int as readers,
               (count(*) filter (where a.org_id is distinct from p_school))::int as outside, max(a.at) as last_at
          from mine k join audit_entry a on a.person_id = k.person_id
         where k.person_id = m.person_id and a.at >= greatest(p_since, k.since) and a.at < least(p_until, k.until)
           and a.action = any(p_actions) and xueji_school_told(a.action, a.role)) x
     where (x.looks > 0 or p_name <> '')
       and (p_before is null or (x.looks, m.person_id) < (p_before, p_before_person))
     order by x.looks desc, m.person_id desc limit p_limit;
end $$;

-- Unusual reading by the own staff, newest first, with what the audit administrator found (the verdict, not his notes).
drop function if exists xueji_school_findings(int, date, int);
create function xueji_school_findings(p_school int, p_since date, p_limit int)
returns table (id bigint, day date, rule text, user_id bigint, user_name text, role text, figures jsonb, verdict text)
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  if not xueji_head_of(p_school) then
    return;
  end if;
  return query
    select f.id, f.day, f.rule::text, f.user_id, f.user_name::text, f.role::text, f.figures,
           coalesce((select v.verdict::text from audit_review v where v.finding_id = f.id order by v.id desc limit 1), '')
      from audit_finding f
     where f.org_id = p_school and f.day >= p_since
       and f.role not in ('system_admin', 'security_admin', 'audit_admin')
     order by f.day desc, f.id desc limit p_limit;
end $$;

do $$
declare f text;
begin
  foreach f in array array[
    'xueji_school_looks(int, timestamptz, timestamptz, text[], bigint, uuid, timestamptz, bigint, int)',
    'xueji_school_readers(int, timestamptz, timestamptz, text[], text[], text[], int, bigint, int)',
    'xueji_school_read(int, timestamptz, timestamptz, text[], text, int, uuid, int)',
    'xueji_school_findings(int, date, int)'] loop
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to xueji_app', f);
  end loop;
end $$;
revoke all on function xueji_head_of(int), xueji_school_stays(int), xueji_school_told(text, text) from public, xueji_app;
