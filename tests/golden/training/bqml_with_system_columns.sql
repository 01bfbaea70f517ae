/* sales 2017-12, table version 7, digest 5d41402a */
SELECT
  basket,
  note,
  paid,
  is_member,
  day,
  `at`,
  _row_id,
  _source_dataset_id,
  _source_table,
  _created_by_project_id,
  _created_by_run_id,
  _created_at,
  _updated_at,
  _period,
  _deleted,
  TO_JSON_STRING(_labels) AS _labels
FROM published AS _published
WHERE
  NOT _deleted AND split = 0
