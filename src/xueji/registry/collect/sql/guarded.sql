-- Whether a child's home is kept secret (家庭住址保密): its form is then the office's and the family's alone, not the
-- class teacher's. Asked only where neither unit nor family decides.
create or replace function xueji_home_guarded(p_person uuid) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select 1 from person_profile f where f.person_id = p_person and f.guarded)
$$;
revoke all on function xueji_home_guarded(uuid) from public;
grant execute on function xueji_home_guarded(uuid) to xueji_app;
