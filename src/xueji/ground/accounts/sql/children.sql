-- Whom a parent's or a student's account may see today, and what of a child it may not: facts about guardianship
-- (registry/family) decide at every entry, so that a court's order, a death or a birthday ends a sight the same day, also
-- for a session that is open. Bodies are bound late: the tables of the registry stand above this room.

-- What one guardian (null: the pupil himself) may see of a child on a day: 0 nothing; else 1, with 2 for school, class,
-- decisions and proofs, and 4 for address, telephones and the other members of the family.
create or replace function xueji_sight(p_person uuid, p_guardian int, p_today date) returns int
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare f record; v_sight int := 7;
begin
  if p_guardian is null then
    return v_sight;
  end if;
  if exists (select 1 from guardian g
              where g.person_id = p_person and g.guardian_no = p_guardian and g.until <= p_today) then
    return 0;
  end if;
  select coalesce(bool_or(x.kind in ('revoked', 'court_all', 'adopted', 'died') and x.guardian_no = p_guardian), false)
           as ended,
         coalesce(bool_or(x.kind = 'court_school' and x.guardian_no = p_guardian
                          or x.kind = 'protected' and x.guardian_no is distinct from p_guardian), false) as no_school,
         coalesce(bool_or(x.kind = 'court_contact' and x.guardian_no = p_guardian
                          or x.kind = 'protected' and x.guardian_no is distinct from p_guardian), false) as no_contact,
         coalesce(bool_or(x.kind = 'adult' and x.guardian_no = p_guardian and x.decision = 'confirmed'), false) as adult
    into f
    from guardianship x
   where x.person_id = p_person and x.lifts_id is null and x.since <= p_today and x.decision <> 'refused'
     and not exists (select 1 from guardianship l
                      where l.lifts_id = x.id and l.decision = 'confirmed' and l.since <= p_today);
  if f.ended then
    return 0;
  end if;
  -- From the eighteenth birthday on the pupil decides, unless somebody is guardian of the adult by a paper.
  if not f.adult and exists (select 1 from person p
       where p.person_id = p_person and p.birth_date + interval '18 years' <= p_today)
     -- A version of the notice that asks this anew (ground/notice) leaves no older answer standing.
     and (select case when split_part(c.version, '/', 2) = coalesce(
                   (select n.version from policy_notice n
                     where n.since <= p_today and 'adult_parents' = any(n.renews)
                     order by n.since desc, n.published_at desc limit 1), '') then c.answer end
            from consent c where c.person_id = p_person and c.code = 'adult_parents'
             and c.guardian_no is null order by c.id desc limit 1) is distinct from 'given' then
    return 0;
  end if;
  if f.no_school then v_sight := v_sight & 5; end if;
  if f.no_contact then v_sight := v_sight & 3; end if;
  return v_sight;
end $$;
revoke all on function xueji_sight(uuid, int, date) from public;
grant execute on function xueji_sight(uuid, int, date) to xueji_writer;

-- Children of whom this account may see neither school nor decisions, or neither address nor family. Set at every entry
-- of a family's account and bound to it: in anybody else's scope they are nothing.
create or replace function xueji_no_school() returns uuid[] language plpgsql stable parallel safe
as $$ begin return case when current_setting('xueji.family', true) = current_setting('xueji.user', true)
                  then nullif(current_setting('xueji.no_school', true), '')::uuid[] end; end $$;

create or replace function xueji_no_contact() returns uuid[] language plpgsql stable parallel safe
as $$ begin return case when current_setting('xueji.family', true) = current_setting('xueji.user', true)
                  then nullif(current_setting('xueji.no_contact', true), '')::uuid[] end; end $$;

-- Cases hold both: whoever is kept from one of them sees none.
create or replace function xueji_no_case() returns uuid[] language plpgsql stable parallel safe
as $$ begin return xueji_no_school() || xueji_no_contact(); end $$;

create or replace function xueji_children(p_user bigint, p_student boolean, p_today date) returns uuid[]
language plpgsql as $$
declare v_all uuid[]; v_school uuid[]; v_contact uuid[];
begin
  -- One account for two guardians sees what both may see.
  select array_agg(k.person_id), array_agg(k.person_id) filter (where k.sight & 2 = 0),
         array_agg(k.person_id) filter (where k.sight & 4 = 0)
    into v_all, v_school, v_contact
    from (select l.person_id, bit_and(xueji_sight(l.person_id, l.guardian_no, p_today)) as sight
            from portal_link l
           where l.user_id = p_user and (l.guardian_no is null) = p_student
             and l.since <= p_today and (l.until is null or l.until > p_today)
           group by l.person_id) k
   where k.sight <> 0;
  execute format('set local xueji.family = %L', p_user::text);
  execute format('set local xueji.no_school = %L', coalesce(v_school::text, ''));
  execute format('set local xueji.no_contact = %L', coalesce(v_contact::text, ''));
  return v_all;
end $$;
