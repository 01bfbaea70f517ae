WITH source_rows AS (
  SELECT
    prices.product_id,
    CAST(CASE WHEN CAST(FORMAT('%.15g', prices.price) AS FLOAT64) = prices.price THEN FORMAT('%.15g', prices.price) WHEN CAST(FORMAT('%.16g', prices.price) AS FLOAT64) = prices.price THEN FORMAT('%.16g', prices.price) ELSE FORMAT('%.17g', prices.price) END AS NUMERIC) AS price,
    prices.begins,
    prices.ends
  FROM prices
), enriched_transactions AS (
  SELECT
    prices.product_id,
    prices.price,
    prices.begins AS _true_from,
    prices.ends AS _true_to
  FROM source_rows AS prices
), snapshot AS (
  SELECT
    product_id,
    price,
    TIMESTAMP(_true_from, 'UTC') AS _valid_from,
    _true_to AS _valid_to
  FROM enriched_transactions
), marked_rows AS (
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    CASE
      WHEN MAX(_valid_to) OVER (
        PARTITION BY product_id, price
        ORDER BY _valid_from
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) >= _valid_from
      OR COUNT(*) OVER (
        PARTITION BY product_id, price
        ORDER BY _valid_from
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) > COUNT(_valid_to) OVER (
        PARTITION BY product_id, price
        ORDER BY _valid_from
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      )
      THEN 0
      ELSE 1
    END AS _begins
  FROM snapshot
), numbered_rows AS (
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    SUM(_begins) OVER (
      PARTITION BY product_id, price
      ORDER BY _valid_from, _begins DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS _island
  FROM marked_rows
), segments AS (
  SELECT
    product_id,
    price,
    MIN(_valid_from) AS _valid_from,
    CASE WHEN COUNT(*) > COUNT(_valid_to) THEN NULL ELSE MAX(_valid_to) END AS _valid_to
  FROM numbered_rows
  GROUP BY
    product_id,
    price,
    _island
), loaded_segments AS (
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    TO_HEX(REVERSE(MD5(CONCAT(
      'i',
      COALESCE(CAST(product_id AS STRING), 'n'),
      '|d',
      COALESCE(FORMAT('%.9f', price), 'n'),
      '|t',
      COALESCE(CAST(UNIX_MICROS(_valid_from) AS STRING), 'n'),
      '|t',
      COALESCE(CAST(UNIX_MICROS(_valid_to) AS STRING), 'n')
    )))) AS _segment
  FROM segments
), added AS (
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    '2017-12' AS _period_from,
    CAST(NULL AS STRING) AS _period_to,
    CAST(NULL AS STRING) AS _row_id,
    '00000000-0000-0000-0000-000000000000' AS _source_dataset_id,
    'prices' AS _source_table,
    CAST(NULL AS STRING) AS _created_by_project_id,
    'run-1' AS _created_by_run_id,
    TIMESTAMP '2018-01-02 06:00:00+00:00' AS _created_at,
    TIMESTAMP '2018-01-02 06:00:00+00:00' AS _updated_at,
    FALSE AS _deleted,
    ARRAY<STRUCT<key STRING, value STRING>>[] AS _labels,
    CAST(NULL AS STRING) AS _was_from,
    CAST(NULL AS STRING) AS _was_to,
    _segment
  FROM loaded_segments
), bucketed AS (
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    _period_from,
    _period_to,
    _row_id,
    _source_dataset_id,
    _source_table,
    _created_by_project_id,
    _created_by_run_id,
    _created_at,
    _updated_at,
    _deleted,
    _labels,
    SUBSTRING(
      TO_HEX(
        MD5(
          CONCAT(
            'i',
            COALESCE(CAST(product_id AS STRING), 'n'),
            '|t',
            COALESCE(CAST(UNIX_MICROS(_valid_from) AS STRING), 'n'),
            '|s',
            COALESCE(CAST(LENGTH(_period_from) AS STRING), 'n'),
            ':',
            COALESCE(_period_from, '')
          )
        )
      ),
      1,
      2
    ) AS _bucket
  FROM added
), bucket_sizes AS (
  SELECT
    _bucket,
    CAST(COALESCE(
      SUM(COUNT(*)) OVER (ORDER BY _bucket ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
      0
    ) AS INT64) AS _before
  FROM bucketed
  GROUP BY
    _bucket
), numbered AS (
  SELECT
    bucketed.product_id,
    bucketed.price,
    bucketed._valid_from,
    bucketed._valid_to,
    bucketed._period_from,
    bucketed._period_to,
    bucketed._row_id,
    bucketed._source_dataset_id,
    bucketed._source_table,
    bucketed._created_by_project_id,
    bucketed._created_by_run_id,
    bucketed._created_at,
    bucketed._updated_at,
    bucketed._deleted,
    bucketed._labels,
    bucket_sizes._before + ROW_NUMBER() OVER (PARTITION BY bucketed._bucket ORDER BY product_id, _valid_from, _period_from) - 1 AS _number
  FROM bucketed
  JOIN bucket_sizes
    ON bucketed._bucket = bucket_sizes._bucket
), published_rows AS (
  SELECT
    product_id,
    price,
    CONCAT(
      CASE
        WHEN _number < 67108864
        THEN '0160b574-8300-7'
        ELSE FORMAT(
          '%08x-%04x-7',
          (
            1514872800000 + (
              _number >> 26
            )
          ) >> 16,
          (
            1514872800000 + (
              _number >> 26
            )
          ) & 65535
        )
      END,
      FORMAT('%03x-%04x', (
        _number >> 14
      ) & 4095, 32768 | (
        _number & 16383
      )),
      '-20b0054bab6b'
    ) AS _row_id,
    _source_dataset_id,
    _source_table,
    _created_by_project_id,
    _created_by_run_id,
    _created_at,
    _updated_at,
    _valid_from,
    _valid_to,
    _period_from,
    _period_to,
    _deleted,
    _labels
  FROM numbered
)
SELECT
  *
FROM published_rows
