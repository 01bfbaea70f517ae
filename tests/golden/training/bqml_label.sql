/* sales 2017-12, table version 7, digest 5d41402a */
SELECT
  basket,
  note,
  paid,
  is_member,
  day,
  `at`,
  split = 1 AS is_eval
FROM published AS _published
WHERE
  NOT _deleted AND split IN (0, 1) AND paid IS NOT NULL
