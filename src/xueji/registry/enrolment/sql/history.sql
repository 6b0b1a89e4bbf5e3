-- The whole record for whoever has the child now (its school, the authority in charge, the family): the policies of
-- links and events know only the row's own school, and one record for life must follow the child. Everybody else gets
-- what the policies give: a former school its own period, a class teacher the class's. The owner can only read.
create or replace function xueji_reads_person(p_person uuid) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (
    select 1 from person p
     -- Whoever reads a record reads what was merged into it.
     where (p.person_id = p_person or p.person_id = (select m.merged_into from person m where m.person_id = p_person))
       and (p.readers && coalesce(xueji_scope_orgs(), '{}')
            or p.person_id = any(coalesce(xueji_scope_persons(), '{}'))))
$$;

create or replace function xueji_links_of(p_person uuid, p_kind int) returns setof enrolment_state
language sql stable security definer set search_path = public, pg_temp as $$
  select s.* from enrolment_state s
   where s.person_id = p_person and s.kind = p_kind and (p_person = any(xueji_no_school())) is not true
     and (xueji_reads_person(p_person)
          or s.county_id = any(xueji_scope_orgs()) or s.school_id = any(xueji_scope_orgs())
          or s.class_id = any(xueji_scope_classes()) or s.person_id = any(xueji_scope_persons()))
   order by s.valid_from
$$;

create or replace function xueji_events_of(p_person uuid) returns setof event
language sql stable security definer set search_path = public, pg_temp as $$
  select e.* from event e
   where (e.person_id = p_person
          or e.person_id in (select m.person_id from person m where m.merged_into = p_person))
     and (p_person = any(xueji_no_school())) is not true
     and (xueji_reads_person(p_person)
          or e.county_id = any(xueji_scope_orgs()) or e.school_id = any(xueji_scope_orgs())
          or e.class_id = any(xueji_scope_classes()) or e.person_id = any(xueji_scope_persons()))
   order by e.valid_at desc, e.recorded_at desc limit 500
$$;

alter function xueji_reads_person(uuid) owner to xueji_search;
alter function xueji_links_of(uuid, int) owner to xueji_search;
alter function xueji_events_of(uuid) owner to xueji_search;
revoke all on function xueji_reads_person(uuid) from public;
revoke all on function xueji_links_of(uuid, int) from public;
revoke all on function xueji_events_of(uuid) from public;
grant execute on function xueji_links_of(uuid, int) to xueji_app;
grant execute on function xueji_events_of(uuid) to xueji_app;
