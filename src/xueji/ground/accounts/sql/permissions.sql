-- The table of rights: what is shipped (`permission`) and what places changed about it (`permission_change`).

-- A change touches only what the shipped table lets a place touch, and says the same for ever: later only the second
-- person's agreement and the end are written.
create or replace function permission_change_guard() returns trigger language plpgsql as $$
declare
  v_local text;
begin
  if tg_op = 'DELETE' then
    raise exception 'permission_change: nothing is deleted' using errcode = 'restrict_violation';
  end if;
  select p.local into v_local from permission p where p.id = new.permission_id;
  if (new.kind, v_local) not in (('take', 'narrow'), ('give', 'widen'), ('reach', 'reach'))
     or (new.kind = 'reach') is distinct from (new.reach in ('grade', 'school')) then
    raise exception 'permission_change: the table does not let a place do this' using errcode = 'check_violation';
  end if;
  if tg_op = 'UPDATE' and (
    (new.permission_id, new.org_id, new.kind, new.reach, new.since, new.reason, new.set_by_id, new.set_at)
      is distinct from
    (old.permission_id, old.org_id, old.kind, old.reach, old.since, old.reason, old.set_by_id, old.set_at)
    or new.until is distinct from old.until
    or (old.agreed_by_id is not null
        and (new.agreed_by_id, new.agreed_at) is distinct from (old.agreed_by_id, old.agreed_at))
    or (old.ended_at is not null and (new.ended_at, new.ended_by_id) is distinct from (old.ended_at, old.ended_by_id))
  ) then
    raise exception 'permission_change: only agreement and end are added' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

create or replace trigger permission_change_guard before insert or update or delete on permission_change
  for each row execute function permission_change_guard();

-- Which organisations stand on a path, the path's own included: "/1/7/23/" -> {1,7,23}.
create or replace function xueji_path_orgs(p_path text) returns int[] language sql immutable parallel safe
as $$ select nullif(string_to_array(trim(both '/' from p_path), '/'), '{}')::int[] $$;

-- Whether a change holds on a day: agreed to where it widens, not ended, inside its dates.
create or replace function xueji_change_holds(c permission_change, p_today date) returns boolean
language sql immutable parallel safe as $$
  select c.ended_at is null and c.since <= p_today and (c.until is null or c.until >= p_today)
     and (c.kind = 'take' or c.agreed_by_id is not null)
$$;

-- What a role may do at a place today: as shipped, less what the place or one above it took, and what it gave.
create or replace function xueji_actions(p_role text, p_path text, p_today date) returns text[]
language sql stable as $$
  with changed as materialized (
    select c.permission_id, c.kind from permission_change c
     where c.org_id = any(xueji_path_orgs(p_path)) and c.kind in ('take', 'give') and xueji_change_holds(c, p_today)
  )
  select array(
    select p.action::text from permission p
     where p.role = p_role
       and case when p.held then not exists (select 1 from changed c where c.permission_id = p.id and c.kind = 'take')
                else exists (select 1 from changed c where c.permission_id = p.id and c.kind = 'give') end
     order by p.action)
$$;

-- How far a subject teacher of a school looks today: 'class' unless the school set it further.
create or replace function xueji_teaching_reach(p_org int, p_today date) returns text language sql stable as $$
  select coalesce((
    select c.reach from permission_change c join permission p on p.id = c.permission_id
     where c.org_id = p_org and c.kind = 'reach' and p.role = 'teacher' and xueji_change_holds(c, p_today)
     order by c.id desc limit 1), 'class')
$$;

-- The classes that a subject teacher looks into: the own ones, their whole grades, or all of the school.
create or replace function xueji_teaching_classes(p_own int[], p_org int, p_today date) returns int[]
language sql stable as $$
  select case xueji_teaching_reach(p_org, p_today)
    when 'school' then array(select c.id from school_class c where c.school_id = p_org order by c.id)
    when 'grade' then array(
      select c.id from school_class c
       where c.school_id = p_org
         and (c.stage, c.cohort_year) in (select o.stage, o.cohort_year from school_class o where o.id = any(p_own))
       order by c.id)
    else p_own end
$$;
