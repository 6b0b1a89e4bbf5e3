-- What somebody must do before the pages open: names of gates (see middleware.GATES), in the order in which they are
-- to be passed. Asked once a request, with the session that asks.
create or replace function xueji_gates(p_user bigint, p_role text, p_session text, p_today date) returns text[]
language sql stable as $$
  select array_remove(array[
    (select 'password' from account_user u where u.id = p_user and u.must_change_password)
  ], null)
$$;
