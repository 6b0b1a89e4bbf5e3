-- What was handed in stays as it is while somebody reviews it (C-SUB-01), whoever asks: the general data of a child,
-- its family, its photo. Movements and key facts go on through their cases; the reviewer sees that they changed.
create or replace function xueji_guard_submitted() returns trigger language plpgsql as $$
begin
  if exists (select 1 from submission_child s where s.person_id = new.person_id and s.locked) then
    raise exception 'the data of this child are under review' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
revoke all on function xueji_guard_submitted() from public;

-- Sealed values are left to the commands: sealing them anew under another key is no edit.
create or replace trigger submitted_guard before update of data on person_profile
  for each row when (old.data is distinct from new.data) execute function xueji_guard_submitted();
create or replace trigger submitted_guard before update of name, relation on guardian
  for each row when (old.name is distinct from new.name or old.relation is distinct from new.relation)
  execute function xueji_guard_submitted();
create or replace trigger submitted_guard before update of file_id on person_photo
  for each row when (old.file_id is distinct from new.file_id)
  execute function xueji_guard_submitted();

-- A submission takes only the steps that it may; what was sent once keeps its number.
create or replace function xueji_guard_submission() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.state <> 'waiting' then
      raise exception 'a submission begins waiting' using errcode = 'restrict_violation';
    end if;
    return new;
  end if;
  if old.number is not null and new.number is distinct from old.number then
    raise exception 'the number of a submission stays' using errcode = 'restrict_violation';
  end if;
  if old.state <> new.state and not (old.state || '>' || new.state = any (array[
      'waiting>running', 'running>returned', 'running>passed', 'returned>running'])) then
    raise exception 'a submission cannot go from % to %', old.state, new.state using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
revoke all on function xueji_guard_submission() from public;
create or replace trigger submission_guard before insert or update on submission
  for each row execute function xueji_guard_submission();
