"""The timeline's guard: what the database refuses, whoever asks (performance, decision 2; architecture, Settled 3-4)."""

from django.db import migrations

CHAIN = """
-- One open state, and no two states with the same successor.
alter table enrolment_state
  add constraint link_one_successor unique nulls not distinct (person_id, kind, valid_to);
-- A state ends exactly where another begins, and that one must name this one's status as what it came from.
alter table enrolment_state
  add constraint link_begin unique (person_id, kind, valid_from, from_status);
alter table enrolment_state
  add constraint link_chain foreign key (person_id, kind, valid_to, status)
  references enrolment_state (person_id, kind, valid_from, from_status) deferrable initially deferred;
-- Which step of the status is legal is data: the union of all packs.
alter table enrolment_state
  add constraint link_transition foreign key (kind, from_status, business, status)
  references transition (kind, from_status, business, to_status);
-- A class of another school cannot be named.
alter table enrolment_state
  add constraint link_class_of_school foreign key (school_id, class_id) references school_class (school_id, id);
alter table enrolment_state
  add constraint link_school foreign key (school_id) references school (org_id);
alter table enrolment_state
  add constraint link_event foreign key (person_id, event_id) references event (person_id, event_id)
  deferrable initially deferred;
"""

FROZEN = """
create function xueji_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'history is never edited: % on % is refused', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end $$;

create trigger event_frozen before update or delete on event
  for each row execute function xueji_refuse_change();
create trigger event_kept before truncate on event
  for each statement execute function xueji_refuse_change();
create trigger superseded_frozen before update or delete on enrolment_superseded
  for each row execute function xueji_refuse_change();
create trigger superseded_kept before truncate on enrolment_superseded
  for each statement execute function xueji_refuse_change();
create trigger transition_kept before delete on transition
  for each row execute function xueji_refuse_change();

-- A link may be closed once (its end set); everything else about it stays, but for the one function that relinks.
create function xueji_guard_link() returns trigger language plpgsql as $$
begin
  if current_user = 'xueji_relink' then
    return coalesce(new, old);
  end if;
  if tg_op = 'DELETE' then
    raise exception 'history is never edited: an enrolment state cannot be deleted'
      using errcode = 'restrict_violation';
  end if;
  if old.valid_to is not null
     or (to_jsonb(new) - 'valid_to') is distinct from (to_jsonb(old) - 'valid_to') then
    raise exception 'history is never edited: an enrolment state can only be closed, once'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

create trigger link_guard before update or delete on enrolment_state
  for each row execute function xueji_guard_link();
create trigger link_kept before truncate on enrolment_state
  for each statement execute function xueji_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0001_initial")]
    operations = [
        migrations.RunSQL(CHAIN, migrations.RunSQL.noop),
        migrations.RunSQL(FROZEN, migrations.RunSQL.noop),
    ]
