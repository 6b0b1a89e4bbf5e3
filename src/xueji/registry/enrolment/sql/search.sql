-- Search in rosters. Array and pattern operators are not leakproof and would lose their index under a policy,
-- so this function filters by the session's scope itself; its owner can read rosters and nothing else.
-- One row per child: a present row hides former ones of the same scope.
drop function if exists xueji_find_roster(text[], text, bytea, uuid[], int, int, int[], text, int, text, text[], boolean,
  text, uuid, int);
create or replace function xueji_find_roster(
  p_grams text[], p_prefix text, p_last6 bytea[], p_persons uuid[],
  p_school int, p_class int, p_status int[], p_stage text, p_cohort int, p_sex text, p_reasons text[],
  p_problem boolean, p_after text, p_after_person uuid, p_limit int
) returns setof roster language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  v_orgs int[] := xueji_scope_orgs();
  v_classes int[] := xueji_scope_classes();
  v_persons uuid[] := xueji_scope_persons();
  v_scope text;
  q text;
begin
  if v_orgs is null and v_classes is null and v_persons is null then
    return;
  end if;
  -- One shape of scope at a time keeps the index on its column usable.
  if v_orgs is not null and cardinality(v_orgs) > 0 then
    v_scope := case
      when p_school is not null then '(r.school_id = $5 and (r.school_id = any($1) or r.county_id = any($1)))'
      when exists (select 1 from school s where s.org_id = any(v_orgs)) then 'r.school_id = any($1)'
      else 'r.county_id = any($1)' end;
  elsif v_classes is not null and cardinality(v_classes) > 0 then
    v_scope := 'r.class_id = any($2)';
  else
    -- A parent whom a court keeps from the school finds nothing of it here either.
    v_scope := 'r.person_id = any($3) and (r.person_id = any(xueji_no_school())) is not true';
  end if;
  q := 'select r.* from roster r where ' || v_scope;
  if p_persons is not null then q := q || ' and r.person_id = any($4)'; end if;
  if p_grams is not null then q := q || ' and r.grams @> $6'; end if;
  if p_prefix is not null then
    q := q || ' and (r.pinyin ^@ $7 or r.initials ^@ $7)';
  end if;
  if p_last6 is not null then q := q || ' and r.last6 = any($8)'; end if;
  if p_school is not null then q := q || ' and r.school_id = $5'; end if;
  if p_class is not null then q := q || ' and r.class_id = $9'; end if;
  if p_status is not null then q := q || ' and r.status = any($10)'; end if;
  if p_stage is not null then q := q || ' and r.stage = $11'; end if;
  if p_cohort is not null then q := q || ' and r.cohort_year = $12'; end if;
  if p_sex is not null then q := q || ' and r.sex = $13'; end if;
  if p_reasons is not null then q := q || ' and r.reason = any($14)'; end if;
  if p_problem is not null then q := q || ' and r.problem = $15'; end if;
  if p_after is not null then q := q || ' and (r.pinyin_sort, r.person_id) > ($16, $17)'; end if;
  if p_reasons is null or p_reasons = '{former}' then
    q := q || ' and (r.reason <> ''former'' or not exists (select 1 from roster x where x.person_id = r.person_id'
           || ' and x.reason <> ''former'' and ' || replace(v_scope, 'r.', 'x.') || '))';
  end if;
  q := q || ' order by r.pinyin_sort, r.person_id limit $18';
  return query execute q using v_orgs, v_classes, v_persons, p_persons, p_school, p_grams, p_prefix, p_last6,
    p_class, p_status, p_stage, p_cohort, p_sex, p_reasons, p_problem, p_after, p_after_person, p_limit;
end $$;

alter function xueji_find_roster(text[], text, bytea[], uuid[], int, int, int[], text, int, text, text[], boolean,
  text, uuid, int) owner to xueji_search;
revoke all on function xueji_find_roster(text[], text, bytea[], uuid[], int, int, int[], text, int, text, text[],
  boolean, text, uuid, int) from public;
grant execute on function xueji_find_roster(text[], text, bytea[], uuid[], int, int, int[], text, int, text, text[],
  boolean, text, uuid, int) to xueji_app;
