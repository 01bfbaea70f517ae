/* sales 2017-12, table version 7, digest 5d41402a */
SELECT
  basket,
  note,
  CAST(paid AS FLOAT64) AS paid,
  is_member,
  UNIX_DATE(day) AS day,
  UNIX_MICROS(`at`) AS `at`
FROM published AS _published
WHERE
  NOT _deleted AND split = 0
