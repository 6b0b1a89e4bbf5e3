"""What a child is at a moment, as one SQL expression over roster `r`, person `p`, profile `f` and photo `ph`."""

#: What a child is at this moment: key facts, place, general data, photo. Sealed data by the
#: version of the record: sealing them anew under another key changes nothing.
DIGEST = (
    "sha256(convert_to(concat_ws('|', r.person_id, r.name, r.sex, r.birth_date, r.stage, r.cohort_year, r.class_id,"
    " r.class_seat, r.status, r.number_prefix, md5(f.data::text), p.version,"
    " ph.file_id), 'UTF8'))"
)
