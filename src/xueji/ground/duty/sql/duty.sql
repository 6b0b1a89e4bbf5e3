-- The words that somebody of a unit has to sign: the latest of the unit, else of the nearest above; null: built in.
create or replace function xueji_duty_text(p_user bigint) returns bigint
language sql stable as $$
  select t.id
    from account_user u
    join org o on o.id = u.home_org_id
    join org above on o.path like above.path || '%'
    join undertaking_text t on t.org_id = above.id
   where u.id = p_user
   order by length(above.path) desc, t.version desc
   limit 1
$$;

-- Since when somebody's promise and lesson hold today: the days of both, null where there is none that still holds.
create or replace function xueji_duty_days(p_user bigint, p_today date)
returns table (signed_on date, trained_on date)
language sql stable as $$
  select (select max(s.signed_on) from undertaking s
           where s.user_id = p_user and s.text_id is not distinct from xueji_duty_text(p_user)
             and s.signed_on > p_today - make_interval(months => r.months)),
         (select max(t.done_on) from duty_training t
           where t.user_id = p_user and t.done_on <= p_today
             and t.done_on > p_today - make_interval(months => r.months))
    from duty_rule r where r.id = 1
$$;

-- Whether somebody may see what is sensitive: asked at the door and again before a value is shown in full.
create or replace function xueji_duty_done(p_user bigint, p_role text, p_today date) returns boolean
language sql stable as $$
  select not p_role = any(r.roles)
      or exists (select 1 from xueji_duty_days(p_user, p_today) d
                  where d.signed_on is not null and d.trained_on is not null)
    from duty_rule r where r.id = 1
$$;
