-- A register of :n invented people at one school, loaded set-based. Triggers are off: nothing here is checked.
set session_replication_role = replica;
create temp table seed as
select i, md5('p' || i)::uuid as person_id, md5('e' || i)::uuid as event_id,
       substr(:'surnames', 1 + i % 53, 1) || substr(:'given', 1 + (i * 7) % 56, 1)
         || case when i % 9 <> 0 then substr(:'given', 1 + (i / 53) % 56, 1) else '' end as name,
       case when i % 2 = 0 then '1' else '2' end as sex,
       date '2012-09-10' + (i % 4380) as birth, 2019 + i % 7 as cohort,
       sha256(('id' || i)::bytea) as id_bidx, sha256(('no' || i)::bytea) as no_bidx, sha256(('l6' || i % 900000)::bytea) as last6,
       decode(repeat('5a', 51), 'hex') as sealed, timestamptz '2019-09-01 00:00+08' as since
  from generate_series(1, :n) i;
analyze seed;
insert into person (person_id, name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, ethnicity, nationality,
  check_state, version, created_at, readers, klasses)
select person_id, name, 'py' || i % 9000, 'p' || i % 900, 'py' || lpad((i % 9000)::text, 5, '0'), '', sex, birth, '01', 'CHN',
  'unchecked', 1, since, array[:county, :school], '{}' from seed;
insert into person_profile (person_id, data, sealed, readers, klasses)
select person_id, '{"postcode": "990001", "entry_mode": "11"}', sealed, array[:county, :school], '{}' from seed;
insert into identity_document (person_id, doc_no, id_type, sealed, since, readers, klasses)
select person_id, 1, '1', sealed, since, array[:county, :school], '{}' from seed;
insert into identity_lookup (id_type, bidx, person_id, doc_no) select '1', id_bidx, person_id, 1 from seed;
insert into student_number (person_id, number_no, scheme, prefix, sealed, state, since, reason, readers, klasses)
select person_id, 1, 'national', 'L', sealed, 'current', since, '', array[:county, :school], '{}' from seed;
insert into number_lookup (scheme, bidx, person_id, number_no) select 'national', no_bidx, person_id, 1 from seed;
insert into event (person_id, event_id, business, valid_at, recorded_at, county_id, school_id, actor_name, article, reason, detail)
select person_id, event_id, 'enrol', since, since, :county, :school, '', '', '', '{}' from seed;
insert into enrolment_state (person_id, kind, valid_from, from_status, business, status, county_id, school_id, stage,
  cohort_year, event_id)
select person_id, 1, since, 0, 'enrol', 1, :county, :school, 'P', cohort, event_id from seed;
insert into roster (county_id, school_id, person_id, kind, reason, since, stage, cohort_year, status, name, pinyin, initials,
  pinyin_sort, grams, sex, birth_date, number_prefix, last6, check_state, open_case, problem)
select :county, :school, person_id, 1, 'enrolled', since, 'P', cohort, 1, name, 'py' || i % 9000, 'p' || i % 900,
  'py' || lpad((i % 9000)::text, 5, '0'), array[substr(name, 1, 1), substr(name, 2, 1), substr(name, 1, 2)], sex, birth, 'L',
  last6, 'unchecked', '', false from seed;
