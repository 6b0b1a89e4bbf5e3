-- Whoever is in a scope puts jobs into the queue and reads none: what a job was given is the worker's to know, who has
-- no scope while it fetches. So putting one in runs with the owner's right, and counting them is a function.
do $$
declare f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p where p.proname ~ '^procrastinate_defer_jobs?_v' loop
    execute format('alter function %s security definer set search_path = public, pg_temp', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to xueji_app, xueji_writer, xueji_intake', f);
  end loop;
end $$;

create or replace function xueji_job_counts() returns table (status text, jobs bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select j.status::text, count(*) from procrastinate_jobs j group by 1
$$;
revoke all on function xueji_job_counts() from public;
grant execute on function xueji_job_counts() to xueji_app;
