-- Enters the scope of a signed-in session in one round trip: is the session still held, not idle for too long, not
-- older than its limit; who is it, in which role. Touches `seen_at` at most once a minute and never waits for
-- another request of the same session.
drop function if exists xueji_enter_session(text, bigint, date, int, int);
create function xueji_enter_session(
  p_session text, p_assignment bigint, p_today date, p_idle int, p_longest int
) returns table (
  state text, user_id bigint,
  assignment_id bigint, role text, org_id int, org_kind text, org_name text, org_path text, county_id int,
  class_id int, username text, display_name text, must_change boolean, orgs int[], classes int[], persons uuid[],
  others jsonb, actions text[], gates text[]
) language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s record; v_state text := 'ok'; v_now timestamptz := clock_timestamp();
begin
  perform xueji_set_scope(null, null, null, null);
  select us.user_id, us.started_at, us.seen_at into s from user_session us where us.session_key = p_session;
  if not found then
    v_state := 'gone';
  elsif s.seen_at < v_now - make_interval(secs => p_idle) then
    v_state := 'idle';
  elsif s.started_at < v_now - make_interval(secs => p_longest) then
    v_state := 'old';
  end if;
  if v_state = 'ok' then
    if s.seen_at < v_now - interval '1 minute' then
      update user_session set seen_at = v_now
       where session_key = (select us.session_key from user_session us where us.session_key = p_session
                               for update skip locked);
    end if;
    return query select 'ok'::text, s.user_id, e.*, xueji_gates(s.user_id, e.role, p_session, p_today)
                   from xueji_enter(s.user_id, p_assignment, p_today) e;
    if found then
      return;
    end if;
    v_state := 'closed';
  end if;
  state := v_state;
  return next;
end $$;

revoke all on function xueji_enter_session(text, bigint, date, int, int) from public;
grant execute on function xueji_enter_session(text, bigint, date, int, int) to xueji_app;
