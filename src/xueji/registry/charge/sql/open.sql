-- Sight in an emergency was once part of every request.
drop function if exists xueji_emergency(bigint, bigint);

-- Opens one child beyond the scope for the rest of this transaction, and tells whom: the grant must be the session's
-- own, of a role still held, neither ended nor out of time by the clock; null otherwise. Only the page of the grant
-- asks, and that page writes nothing but what was looked at.
create or replace function xueji_open_emergency(p_grant bigint) returns uuid
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_person uuid; v_day date := (clock_timestamp() at time zone 'Asia/Shanghai')::date;
begin
  select g.person_id into v_person
    from emergency_grant g
    join account_user u on u.id = g.user_id and u.is_active
    join role_assignment ra on ra.id = g.assignment_id and ra.user_id = g.user_id and ra.role = g.role
   where g.id = p_grant and g.user_id = xueji_scope_user() and g.ended_at is null
     and g.opened_at <= clock_timestamp() and clock_timestamp() < g.expires_at
     and ra.valid_from <= v_day and (ra.valid_to is null or ra.valid_to >= v_day)
     and xueji_duty_done(g.user_id, g.role::text, v_day);
  if v_person is not null then
    execute format('set local xueji.persons = %L', array[v_person]::text);
  end if;
  return v_person;
end $$;

revoke all on function xueji_open_emergency(bigint) from public;
grant execute on function xueji_open_emergency(bigint) to xueji_app;
