-- The public check of a certificate. Whoever holds the paper has its code; the table itself is closed to visitors.
-- Always one look-up by digest, for every code alike; out comes only what the paper shows, with the name, the day of
-- birth and the numbers covered. Each visitor (a keyed hash of the address) may ask `p_limit` times in `p_minutes`.
create or replace function xueji_verify_certificate(p_digest bytea, p_visitor bytea, p_limit int, p_minutes int)
returns table (
  state text, number text, title text, name text, sex text, birth text, student_number text, school text,
  place text, status text, period text, purpose text, issued_on date, valid_until date, revoked_on date
) language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_window interval := make_interval(mins => p_minutes);
  v_today date := (v_now at time zone 'Asia/Shanghai')::date;
  v_asked int;
begin
  insert into verify_visit as v (visitor, since, asked) values (p_visitor, v_now, 1)
  on conflict (visitor) do update
     set asked = case when v.since < v_now - v_window then 1 else v.asked + 1 end,
         since = case when v.since < v_now - v_window then v_now else v.since end
  returning v.asked into v_asked;
  if random() < 0.01 then
    delete from verify_visit v where v.since < v_now - interval '1 day';
  end if;
  if v_asked > p_limit then
    state := 'limited';
    return next;
    return;
  end if;
  return query
    select case when c.revoked_at is not null then 'revoked' when c.valid_until < v_today then 'expired' else 'valid' end,
           c.number::text, c.content ->> 'title',
           left(c.content ->> 'name', 1) || repeat('★', least(greatest(char_length(c.content ->> 'name') - 1, 1), 3)),
           c.content ->> 'sex', left(c.content ->> 'birth', 4),
           right(c.content ->> 'student_number', 4), c.content ->> 'school',
           (c.content ->> 'grade') || (c.content ->> 'class'), c.content ->> 'status', c.content ->> 'period', c.purpose::text,
           (c.issued_at at time zone 'Asia/Shanghai')::date, c.valid_until,
           (c.revoked_at at time zone 'Asia/Shanghai')::date
      from certificate c where c.code_digest = p_digest;
end $$;

alter function xueji_verify_certificate(bytea, bytea, int, int) owner to xueji_search;
revoke all on function xueji_verify_certificate(bytea, bytea, int, int) from public;
grant execute on function xueji_verify_certificate(bytea, bytea, int, int) to xueji_app;
