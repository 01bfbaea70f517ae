/* sales, table version 7, digest 5d41402a */
SELECT
  basket,
  note,
  CAST(paid AS FLOAT64) AS paid,
  is_member,
  UNIX_DATE(day) AS day,
  UNIX_MICROS(`at`) AS `at`,
  UNIX_MICROS(_valid_from) AS _valid_from,
  UNIX_MICROS(_valid_to) AS _valid_to
FROM published AS _published
WHERE
  NOT _deleted
  AND _period_to IS NULL
  AND (
    _valid_from <= TIMESTAMP '2017-12-31 23:59:59.999999+00:00'
    AND (
      _valid_to IS NULL OR _valid_to > TIMESTAMP '2017-12-31 23:59:59.999999+00:00'
    )
  )
