-- The guard of the timeline (migration 0002), with one thing let through: a class may number its pupils anew. The number
-- inside the class is the only column that may change, and only on a link that has not ended; who numbered which class by
-- what order stands in the audit with a digest of the result.
create or replace function xueji_guard_link() returns trigger language plpgsql as $$
begin
  if current_user = 'xueji_relink' then
    return coalesce(new, old);
  end if;
  if tg_op = 'DELETE' then
    raise exception 'history is never edited: an enrolment state cannot be deleted'
      using errcode = 'restrict_violation';
  end if;
  if (old.valid_to is null or old.valid_to > now())
     and (to_jsonb(new) - 'class_seat') is not distinct from (to_jsonb(old) - 'class_seat') then
    return new;
  end if;
  if old.valid_to is not null
     or (to_jsonb(new) - 'valid_to') is distinct from (to_jsonb(old) - 'valid_to') then
    raise exception 'history is never edited: an enrolment state can only be closed, once'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
