-- Whom a parent's or a student's account may see today.
create or replace function xueji_children(p_user bigint, p_student boolean, p_today date) returns uuid[]
language sql stable as $$
  select array_agg(l.person_id)
    from portal_link l
   where l.user_id = p_user and (l.guardian_no is null) = p_student
     and l.since <= p_today and (l.until is null or l.until > p_today)
$$;
