"""What a child is at a moment, as one SQL expression over roster `r`, profile `f` and photo `ph`."""

#: What a child is at this moment: key facts, place, general data (sealed as they are), photo.
DIGEST = (
    "sha256(convert_to(concat_ws('|', r.person_id, r.name, r.sex, r.birth_date, r.stage, r.cohort_year, r.class_id,"
    " r.class_seat, r.status, r.number_prefix, md5(f.data::text), encode(sha256(coalesce(f.sealed, ''::bytea)), 'hex'),"
    " ph.file_id), 'UTF8'))"
)
