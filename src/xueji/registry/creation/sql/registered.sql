-- Whether a senior is registered for a school year, or waits for it, whichever school sent the list: a list is its
-- school's to read, but a pupil who has transferred in need not be registered again. One yes or no about a key.
create or replace function xueji_senior_registered(p_person uuid, p_year int) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select 1 from creation_item i where i.person_id = p_person and i.kind = 'senior' and i.year = p_year
    and i.state in ('pending', 'approved'))
$$;
revoke all on function xueji_senior_registered(uuid, int) from public;
grant execute on function xueji_senior_registered(uuid, int) to xueji_app;
