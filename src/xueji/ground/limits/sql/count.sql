-- Count one request of a kind for several visitors (keyed hashes of an account and of an address), each with its own
-- limit, in windows of so many seconds. Answers how many seconds to wait (0: go on) and whether a limit was reached by
-- this very request. A request that is refused is not counted again: whoever waits for the window's end may go on.
drop function if exists xueji_count_request(text, bytea[], int[], int[]);
create function xueji_count_request(p_kind text, p_visitors bytea[], p_limits int[], p_seconds int[])
returns table (wait int, first_time boolean) language plpgsql volatile security definer
set search_path = public, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_since timestamptz;
  v_asked int;
  i int;
begin
  wait := 0;
  first_time := false;
  for i in 1 .. cardinality(p_visitors) loop
    insert into rate_count as c (kind, visitor, since, asked) values (p_kind, p_visitors[i], v_now, 1)
    on conflict (kind, visitor) do update
       set asked = case when c.since <= v_now - make_interval(secs => p_seconds[i]) then 1
                        else least(c.asked + 1, p_limits[i] + 2) end,
           since = case when c.since <= v_now - make_interval(secs => p_seconds[i]) then v_now else c.since end
    returning c.since, c.asked into v_since, v_asked;
    if v_asked > p_limits[i] then
      wait := greatest(wait, 1, ceil(p_seconds[i] - extract(epoch from v_now - v_since))::int);
      first_time := first_time or v_asked = p_limits[i] + 1;
    end if;
  end loop;
  if random() < 0.002 then
    delete from rate_count where since < v_now - interval '2 days';
  end if;
  return next;
end $$;

alter function xueji_count_request(text, bytea[], int[], int[]) owner to xueji_search;
revoke all on function xueji_count_request(text, bytea[], int[], int[]) from public;
grant execute on function xueji_count_request(text, bytea[], int[], int[]) to xueji_app;
