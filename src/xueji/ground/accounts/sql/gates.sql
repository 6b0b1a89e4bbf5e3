-- What somebody must do before the pages open: names of gates (see middleware.GATES), in the order in which they are
-- to be passed. Asked once a request, with the session that asks. Whoever has a second factor proves it before all
-- else: a stolen password must not even change the password. Whoever must have one and has none enrols it after.
create or replace function xueji_gates(p_user bigint, p_role text, p_session text, p_today date) returns text[]
language sql stable as $$
  with f as (
    select exists (select 1 from account_factor a where a.user_id = p_user and a.confirmed_at is not null) as has,
           exists (select 1 from recovery_code c where c.user_id = p_user and c.used_at is null) as code,
           exists (select 1 from factor_rule r where r.role = p_role and r.must) as must,
           exists (select 1 from user_session s where s.session_key = p_session and s.factor_at is not null) as proven
  )
  select array_remove(array[
    (select 'factor' from f where (f.has or f.code) and not f.proven),
    (select 'password' from account_user u where u.id = p_user and u.must_change_password),
    (select 'factor' from f where f.must and not (f.has and f.proven)),
    -- Whoever sees pupils has promised to keep silent, and has learned what that means (room duty).
    (select 'duty' where not xueji_duty_done(p_user, p_role, p_today)),
    -- A family is shown each version of the privacy notice once (room notice).
    (select 'notice' where xueji_notice_due(p_user, p_role, p_today))
  ], null)
$$;
