-- The parts in which somebody may decide cases of his unit today: his own role, and those that colleagues who are
-- away have handed to him. Read by lists in one statement.
create or replace function xueji_parts(p_user bigint, p_org int, p_role text, p_today date) returns text[]
language sql stable as $$
  select array[p_role] || coalesce(array(
    select ra.role::text
      from delegation d join role_assignment ra on ra.id = d.assignment_id
     where d.to_user_id = p_user and d.org_id = p_org and d.ended_at is null
       and d.since <= p_today and d.until >= p_today
       and ra.valid_from <= p_today and (ra.valid_to is null or ra.valid_to >= p_today)
     order by d.id), '{}')
$$;
