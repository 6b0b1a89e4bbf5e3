-- The only way to change what the chain says of the past (architecture, Settled 3). Links of one person and kind
-- that begin at or after `p_from` are moved to enrolment_superseded with the time during which they were believed;
-- the links given in `p_links` take their place. Constraints check the new chain at commit.
create or replace function xueji_relink(
  p_person uuid, p_kind smallint, p_from timestamptz, p_links jsonb, p_event uuid, p_now timestamptz
) returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_first timestamptz := (select min((l->>'valid_from')::timestamptz) from jsonb_array_elements(p_links) l);
begin
  perform 1 from enrolment_state where person_id = p_person and kind = p_kind for update;
  insert into enrolment_superseded (person_id, kind, valid_from, valid_to, from_status, business, status, county_id,
         school_id, class_id, stage, cohort_year, class_seat, event_id, recorded_at, superseded_at, superseded_by)
  select s.person_id, s.kind, s.valid_from, s.valid_to, s.from_status, s.business, s.status, s.county_id, s.school_id,
         s.class_id, s.stage, s.cohort_year, s.class_seat, s.event_id, e.recorded_at, p_now, p_event
    from enrolment_state s join event e on e.person_id = s.person_id and e.event_id = s.event_id
   where s.person_id = p_person and s.kind = p_kind and s.valid_from >= p_from;
  delete from enrolment_state where person_id = p_person and kind = p_kind and valid_from >= p_from;
  -- The link before now lasts until the first new one, or is open again.
  update enrolment_state set valid_to = v_first
   where person_id = p_person and kind = p_kind
     and valid_from = (select max(valid_from) from enrolment_state
                        where person_id = p_person and kind = p_kind and valid_from < p_from);
  insert into enrolment_state (person_id, kind, valid_from, valid_to, from_status, business, status, county_id,
         school_id, class_id, stage, cohort_year, class_seat, event_id)
  select p_person, p_kind, (l->>'valid_from')::timestamptz, (l->>'valid_to')::timestamptz,
         (l->>'from_status')::smallint, l->>'business', (l->>'status')::smallint, (l->>'county_id')::int,
         (l->>'school_id')::int, (l->>'class_id')::int, l->>'stage', (l->>'cohort_year')::smallint,
         (l->>'class_seat')::smallint, p_event
    from jsonb_array_elements(p_links) l;
end $$;

alter function xueji_relink(uuid, smallint, timestamptz, jsonb, uuid, timestamptz) owner to xueji_relink;
revoke all on function xueji_relink(uuid, smallint, timestamptz, jsonb, uuid, timestamptz) from public;
grant execute on function xueji_relink(uuid, smallint, timestamptz, jsonb, uuid, timestamptz) to xueji_writer;
