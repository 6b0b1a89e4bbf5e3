-- Address, telephones and family of a child whose home is kept secret (家庭住址保密): the present school's office, the
-- guardian with whom the child lives, and the child. Asked for such rows alone (`guarded`), so that lists pay nothing.
create or replace function xueji_contact_open(p_person uuid) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select p_person = any(xueji_scope_persons())
      or exists (select 1 from enrolment_state s
                  where s.person_id = p_person and s.kind = 1 and s.valid_from <= now()
                    and (s.valid_to is null or s.valid_to > now()) and s.school_id = any(xueji_scope_orgs()))
$$;
revoke all on function xueji_contact_open(uuid) from public;
grant execute on function xueji_contact_open(uuid) to xueji_app;
