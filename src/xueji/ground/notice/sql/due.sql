-- Whether an account of a family must first be shown the version of the privacy notice that is in force. Asked with the
-- gates, once a request.
create or replace function xueji_notice_due(p_user bigint, p_role text, p_today date) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select p_role in ('parent', 'student') and coalesce(
    (select not exists (select 1 from notice_reading r where r.user_id = p_user and r.version = n.version)
       from policy_notice n where n.since <= p_today order by n.since desc, n.published_at desc limit 1), false)
$$;
revoke all on function xueji_notice_due(bigint, text, date) from public;
