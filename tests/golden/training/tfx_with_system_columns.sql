/* sales 2017-12, table version 7, digest 5d41402a */
SELECT
  basket,
  note,
  CAST(paid AS FLOAT64) AS paid,
  is_member,
  UNIX_DATE(day) AS day,
  UNIX_MICROS(`at`) AS `at`,
  _row_id,
  _source_dataset_id,
  _source_table,
  _created_by_project_id,
  _created_by_run_id,
  UNIX_MICROS(_created_at) AS _created_at,
  UNIX_MICROS(_updated_at) AS _updated_at,
  _period,
  _deleted,
  TO_JSON_STRING(_labels) AS _labels
FROM published AS _published
WHERE
  NOT _deleted
