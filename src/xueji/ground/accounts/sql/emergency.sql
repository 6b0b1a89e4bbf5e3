-- Whom a member of staff may see beyond his scope for a stated reason and a short time.
create or replace function xueji_emergency(p_user bigint, p_assignment bigint) returns uuid[]
language sql stable as $$ select null::uuid[] $$;
