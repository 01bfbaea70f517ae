WITH source_rows AS (
  SELECT
    prices.product_id,
    CASE
      WHEN ABS(prices.price * 1e9 - ROUND(prices.price * 1e9)) < 0.5 - ABS(prices.price) * 2.5e-7
      THEN CAST(CAST(prices.price AS DOUBLE) AS DECIMAL(38, 9))
      WHEN ABS(prices.price) < 1e13 AND ROUND(prices.price * 1e2) / 1e2 = prices.price
      THEN CAST(CAST(ROUND(prices.price * 1e2) AS BIGINT) * CAST('0.010000000' AS DECIMAL(19, 9)) AS DECIMAL(38, 9))
      ELSE CAST(CAST(prices.price AS TEXT) AS DECIMAL(38, 9))
    END AS price,
    prices.begins,
    MAKE_TIMESTAMPTZ(EPOCH_US(CAST(prices.ends AS TIMESTAMP))) AS ends
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
    MAKE_TIMESTAMPTZ(EPOCH_US(CAST(_true_from AS TIMESTAMP))) AS _valid_from,
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
        ORDER BY _valid_from NULLS FIRST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) >= _valid_from
      OR COUNT(*) OVER (
        PARTITION BY product_id, price
        ORDER BY _valid_from NULLS FIRST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) > COUNT(_valid_to) OVER (
        PARTITION BY product_id, price
        ORDER BY _valid_from NULLS FIRST
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
      ORDER BY _valid_from NULLS FIRST, _begins DESC
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
    md5_number(
      CONCAT(
        'i',
        COALESCE(CAST(product_id AS TEXT), 'n'),
        '|d',
        COALESCE(
          COALESCE(CAST(TRY_CAST(price AS DECIMAL(18, 9)) AS TEXT), CAST(price AS TEXT)),
          'n'
        ),
        '|t',
        COALESCE(CAST(EPOCH_US(_valid_from) AS TEXT), 'n'),
        '|t',
        COALESCE(CAST(EPOCH_US(_valid_to) AS TEXT), 'n')
      )
    ) AS _segment
  FROM segments
), covering AS (
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
    md5_number(
      CONCAT(
        'i',
        COALESCE(CAST(product_id AS TEXT), 'n'),
        '|d',
        COALESCE(
          COALESCE(CAST(TRY_CAST(price AS DECIMAL(18, 9)) AS TEXT), CAST(price AS TEXT)),
          'n'
        ),
        '|t',
        COALESCE(CAST(EPOCH_US(_valid_from) AS TEXT), 'n'),
        '|t',
        COALESCE(CAST(EPOCH_US(_valid_to) AS TEXT), 'n')
      )
    ) AS _segment
  FROM (
    SELECT
      product_id,
      price,
      _row_id,
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
    FROM published_prices
  ) AS earlier_rows
  WHERE
    _period_from <= '2017-12' AND (
      _period_to IS NULL OR _period_to > '2017-12'
    )
), parts AS (
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    '2017-12' AS _period_from,
    '2018-01' AS _period_to,
    CAST(NULL AS TEXT) AS _row_id,
    '00000000-0000-0000-0000-000000000000' AS _source_dataset_id,
    'prices' AS _source_table,
    CAST(NULL AS TEXT) AS _created_by_project_id,
    'run-1' AS _created_by_run_id,
    CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ) AS _created_at,
    CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ) AS _updated_at,
    FALSE AS _deleted,
    CAST([] AS STRUCT(key TEXT, value TEXT)[]) AS _labels,
    CAST(NULL AS TEXT) AS _was_from,
    CAST(NULL AS TEXT) AS _was_to,
    _segment
  FROM loaded_segments
  WHERE
    NOT _segment IN (
      SELECT
        _segment
      FROM covering
    )
  UNION ALL
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    _period_from,
    '2017-12' AS _period_to,
    _row_id,
    _source_dataset_id,
    _source_table,
    _created_by_project_id,
    _created_by_run_id,
    _created_at,
    _updated_at,
    _deleted,
    _labels,
    _period_from AS _was_from,
    _period_to AS _was_to,
    _segment
  FROM covering
  WHERE
    NOT _segment IN (
      SELECT
        _segment
      FROM loaded_segments
    )
    AND _period_from < '2017-12'
  UNION ALL
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    '2018-01' AS _period_from,
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
    _period_from AS _was_from,
    _period_to AS _was_to,
    _segment
  FROM covering
  WHERE
    NOT _segment IN (
      SELECT
        _segment
      FROM loaded_segments
    )
    AND NOT _period_from < '2017-12'
    AND (
      _period_to IS NULL OR _period_to > '2018-01'
    )
  UNION ALL
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    '2018-01' AS _period_from,
    _period_to,
    CAST(NULL AS TEXT) AS _row_id,
    '00000000-0000-0000-0000-000000000000' AS _source_dataset_id,
    'prices' AS _source_table,
    CAST(NULL AS TEXT) AS _created_by_project_id,
    'run-1' AS _created_by_run_id,
    CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ) AS _created_at,
    CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ) AS _updated_at,
    _deleted,
    _labels,
    CAST(NULL AS TEXT) AS _was_from,
    CAST(NULL AS TEXT) AS _was_to,
    _segment
  FROM covering
  WHERE
    NOT _segment IN (
      SELECT
        _segment
      FROM loaded_segments
    )
    AND _period_from < '2017-12'
    AND (
      _period_to IS NULL OR _period_to > '2018-01'
    )
  UNION ALL
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
    _period_from AS _was_from,
    _period_to AS _was_to,
    _segment
  FROM (
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
      md5_number(
        CONCAT(
          'i',
          COALESCE(CAST(product_id AS TEXT), 'n'),
          '|d',
          COALESCE(
            COALESCE(CAST(TRY_CAST(price AS DECIMAL(18, 9)) AS TEXT), CAST(price AS TEXT)),
            'n'
          ),
          '|t',
          COALESCE(CAST(EPOCH_US(_valid_from) AS TEXT), 'n'),
          '|t',
          COALESCE(CAST(EPOCH_US(_valid_to) AS TEXT), 'n')
        )
      ) AS _segment
    FROM (
      SELECT
        product_id,
        price,
        _row_id,
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
      FROM published_prices
    ) AS earlier_rows
    WHERE
      _period_from = '2018-01'
  ) AS neighbours
), marked_parts AS (
  SELECT
    _segment,
    _period_from,
    _period_to,
    product_id,
    price,
    _valid_from,
    _valid_to,
    _row_id,
    _source_dataset_id,
    _source_table,
    _created_by_project_id,
    _created_by_run_id,
    _created_at,
    _updated_at,
    _deleted,
    _labels,
    _was_from,
    _was_to,
    CASE
      WHEN MAX(_period_to) OVER (
        PARTITION BY _segment
        ORDER BY _period_from NULLS FIRST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) >= _period_from
      OR COUNT(*) OVER (
        PARTITION BY _segment
        ORDER BY _period_from NULLS FIRST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) > COUNT(_period_to) OVER (
        PARTITION BY _segment
        ORDER BY _period_from NULLS FIRST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      )
      THEN 0
      ELSE 1
    END AS _begins
  FROM parts
), numbered_parts AS (
  SELECT
    _segment,
    _period_from,
    _period_to,
    product_id,
    price,
    _valid_from,
    _valid_to,
    _row_id,
    _source_dataset_id,
    _source_table,
    _created_by_project_id,
    _created_by_run_id,
    _created_at,
    _updated_at,
    _deleted,
    _labels,
    _was_from,
    _was_to,
    SUM(_begins) OVER (
      PARTITION BY _segment
      ORDER BY _period_from NULLS FIRST, _begins DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS _island
  FROM marked_parts
), joined_rows AS (
  SELECT
    product_id,
    price,
    _valid_from,
    _valid_to,
    _row_id,
    _source_dataset_id,
    _source_table,
    _created_by_project_id,
    _created_by_run_id,
    _created_at,
    _updated_at,
    _deleted,
    _labels,
    _was_from,
    _was_to,
    _joined_from AS _period_from,
    _joined_to AS _period_to
  FROM (
    SELECT
      product_id,
      price,
      _valid_from,
      _valid_to,
      _row_id,
      _source_dataset_id,
      _source_table,
      _created_by_project_id,
      _created_by_run_id,
      _created_at,
      _updated_at,
      _deleted,
      _labels,
      _was_from,
      _was_to,
      MIN(_period_from) OVER (PARTITION BY _segment, _island) AS _joined_from,
      CASE
        WHEN COUNT(*) OVER (PARTITION BY _segment, _island) > COUNT(_period_to) OVER (PARTITION BY _segment, _island)
        THEN NULL
        ELSE MAX(_period_to) OVER (PARTITION BY _segment, _island)
      END AS _joined_to,
      ROW_NUMBER() OVER (
        PARTITION BY _segment, _island
        ORDER BY _row_id IS NULL NULLS FIRST, _period_from NULLS FIRST
      ) AS _place
    FROM numbered_parts
  ) AS ranked_parts
  WHERE
    _place = 1
), added AS (
  SELECT
    *
  FROM joined_rows
  WHERE
    _row_id IS NULL
), sorted_rows AS (
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
    _labels
  FROM added
  ORDER BY
    SUBSTRING(
      MD5(
        CONCAT(
          'i',
          COALESCE(CAST(product_id AS TEXT), 'n'),
          '|t',
          COALESCE(CAST(EPOCH_US(_valid_from) AS TEXT), 'n'),
          '|s',
          COALESCE(CAST(LENGTH(_period_from) AS TEXT), 'n'),
          ':',
          COALESCE(_period_from, '')
        )
      ),
      1,
      2
    ) NULLS FIRST,
    product_id NULLS FIRST,
    _valid_from NULLS FIRST,
    _period_from NULLS FIRST
), numbered AS (
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
    ROW_NUMBER() OVER () - 1 AS _number
  FROM sorted_rows
), published_rows AS (
  SELECT
    product_id,
    price,
    CONCAT(
      CASE
        WHEN _number < 67108864
        THEN '0160b574-8300-7'
        ELSE FORMAT(
          '{:08x}-{:04x}-7',
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
      FORMAT('{:03x}-{:04x}', (
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
  UNION ALL
  SELECT
    product_id,
    price,
    _row_id,
    _source_dataset_id,
    _source_table,
    _created_by_project_id,
    _created_by_run_id,
    _created_at,
    CASE
      WHEN _period_from = _was_from AND _period_to IS NOT DISTINCT FROM _was_to
      THEN _updated_at
      ELSE CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ)
    END AS _updated_at,
    _valid_from,
    _valid_to,
    _period_from,
    _period_to,
    _deleted,
    _labels
  FROM joined_rows
  WHERE
    _row_id IS NOT NULL
  UNION ALL
  SELECT
    product_id,
    price,
    _row_id,
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
  FROM covering
  WHERE
    _segment IN (
      SELECT
        _segment
      FROM loaded_segments
    )
  UNION ALL
  SELECT
    product_id,
    price,
    _row_id,
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
  FROM (
    SELECT
      product_id,
      price,
      _row_id,
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
    FROM published_prices
  ) AS earlier_rows
  WHERE
    _period_to < '2017-12' OR _period_from > '2018-01'
)
SELECT
  *
FROM published_rows
