-- Fresh statistics of staging, for batches big enough that a plan made without them would be a bad one.
-- Only a table's owner may analyse it on PostgreSQL 15, so the intake role does it through this function.
create or replace function xueji_analyze_staging() returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  -- A sample of three thousand wide rows says as much about these columns as one of thirty thousand.
  set local default_statistics_target = 10;
  analyze staged_row (batch_id, row_no, state, id_type, id_bidx, name, birth_date, stage, cohort_year, class_number);
end $$;

revoke all on function xueji_analyze_staging() from public;
grant execute on function xueji_analyze_staging() to xueji_intake;
