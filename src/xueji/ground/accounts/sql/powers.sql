-- System, security and audit administration are three people, and none of them does business: no account holds an
-- admin power together with any other role in overlapping time, nor stands in for anybody while holding one. Checked
-- here, whoever writes. (That nobody holds two of the three powers ever is the constraint one_admin_power.)
create or replace function xueji_is_power(p_role text) returns boolean language sql immutable
as $$ select p_role in ('system_admin', 'security_admin', 'audit_admin') $$;

create or replace function xueji_keep_powers_apart() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if new.valid_to < new.valid_from then
    return new;  -- the constraint on the period refuses it
  end if;
  -- Two at once do not both see nobody.
  perform 1 from account_user u where u.id = new.user_id for update;
  if exists (
    select 1 from role_assignment r
     where r.user_id = new.user_id and r.id is distinct from new.id
       and (xueji_is_power(r.role) or xueji_is_power(new.role))
       and daterange(r.valid_from, r.valid_to, '[]') && daterange(new.valid_from, new.valid_to, '[]')
  ) or (xueji_is_power(new.role) and exists (
    select 1 from delegation d
     where d.to_user_id = new.user_id and d.ended_at is null
       and daterange(d.since, d.until, '[]') && daterange(new.valid_from, new.valid_to, '[]')
  )) then
    raise exception 'an admin power is held together with nothing else' using errcode = '23514';
  end if;
  return new;
end $$;

create or replace trigger role_assignment_powers before insert or update on role_assignment
  for each row execute function xueji_keep_powers_apart();

create or replace function xueji_keep_standin_apart() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if new.until < new.since then
    return new;
  end if;
  perform 1 from account_user u where u.id = new.to_user_id for update;
  if new.ended_at is null and exists (
    select 1 from role_assignment r
     where r.user_id = new.to_user_id and xueji_is_power(r.role)
       and daterange(r.valid_from, r.valid_to, '[]') && daterange(new.since, new.until, '[]')
  ) then
    raise exception 'an administrator stands in for nobody' using errcode = '23514';
  end if;
  return new;
end $$;

create or replace trigger delegation_powers before insert or update on delegation
  for each row execute function xueji_keep_standin_apart();

revoke all on function xueji_keep_powers_apart() from public;
revoke all on function xueji_keep_standin_apart() from public;
