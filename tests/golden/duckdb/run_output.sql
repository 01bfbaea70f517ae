WITH output AS (
  SELECT
    user_id,
    product_id,
    timestamp,
    revenue,
    category,
    transaction_id,
    basket_id,
    products__brand,
    demographics__age,
    demographics__income,
    split,
    _row_id,
    _source_dataset_id,
    _source_table,
    _created_by_project_id,
    _created_by_run_id,
    _created_at,
    _updated_at,
    _period,
    _deleted,
    _labels
  FROM (
    SELECT
      _present.user_id,
      _present.product_id,
      _present.timestamp,
      _present.revenue,
      _present.category,
      _present.transaction_id,
      _present.basket_id,
      _present.products__brand,
      _present.demographics__age,
      _present.demographics__income,
      _present.split,
      _present._row_id,
      _present._source_dataset_id,
      _present._source_table,
      COALESCE(_before._created_by_project_id, '01a2001c-5bb6-78a2-b67e-09700bdd3521') AS _created_by_project_id,
      COALESCE(_before._created_by_run_id, 'run-1') AS _created_by_run_id,
      COALESCE(_before._created_at, CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ)) AS _created_at,
      CASE
        WHEN _before._row_id IS NOT NULL
        AND (
          _present.user_id IS NOT DISTINCT FROM _before.user_id
          AND _present.product_id IS NOT DISTINCT FROM _before.product_id
          AND _present.timestamp IS NOT DISTINCT FROM _before.timestamp
          AND _present.revenue IS NOT DISTINCT FROM _before.revenue
          AND _present.category IS NOT DISTINCT FROM _before.category
          AND _present.transaction_id IS NOT DISTINCT FROM _before.transaction_id
          AND _present.basket_id IS NOT DISTINCT FROM _before.basket_id
          AND _present.products__brand IS NOT DISTINCT FROM _before.products__brand
          AND _present.demographics__age IS NOT DISTINCT FROM _before.demographics__age
          AND _present.demographics__income IS NOT DISTINCT FROM _before.demographics__income
          AND _present.split IS NOT DISTINCT FROM _before.split
          AND _present._deleted IS NOT DISTINCT FROM _before._deleted
          AND CASE WHEN LEN(_present._labels) > 0 THEN CAST(TO_JSON(_present._labels) AS TEXT) ELSE '[]' END = CASE WHEN LEN(_before._labels) > 0 THEN CAST(TO_JSON(_before._labels) AS TEXT) ELSE '[]' END
        )
        AND _present._period IS NOT DISTINCT FROM _before._period
        THEN _before._updated_at
        ELSE CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ)
      END AS _updated_at,
      _present._period,
      _present._deleted,
      _present._labels,
      _before._row_id IS NOT NULL
      AND NOT _before._deleted
      AND _before._period = '2018-01' AS _was_visible,
      _before._row_id IS NOT NULL
      AND (
        _present.user_id IS NOT DISTINCT FROM _before.user_id
        AND _present.product_id IS NOT DISTINCT FROM _before.product_id
        AND _present.timestamp IS NOT DISTINCT FROM _before.timestamp
        AND _present.revenue IS NOT DISTINCT FROM _before.revenue
        AND _present.category IS NOT DISTINCT FROM _before.category
        AND _present.transaction_id IS NOT DISTINCT FROM _before.transaction_id
        AND _present.basket_id IS NOT DISTINCT FROM _before.basket_id
        AND _present.products__brand IS NOT DISTINCT FROM _before.products__brand
        AND _present.demographics__age IS NOT DISTINCT FROM _before.demographics__age
        AND _present.demographics__income IS NOT DISTINCT FROM _before.demographics__income
        AND _present.split IS NOT DISTINCT FROM _before.split
        AND _present._deleted IS NOT DISTINCT FROM _before._deleted
        AND CASE WHEN LEN(_present._labels) > 0 THEN CAST(TO_JSON(_present._labels) AS TEXT) ELSE '[]' END = CASE WHEN LEN(_before._labels) > 0 THEN CAST(TO_JSON(_before._labels) AS TEXT) ELSE '[]' END
      )
      AND _present._period IS NOT DISTINCT FROM _before._period AS _is_same
    FROM (
      SELECT
        user_id,
        product_id,
        timestamp,
        revenue,
        category,
        transaction_id,
        basket_id,
        products__brand,
        demographics__age,
        demographics__income,
        split,
        _touched_by_0,
        _touched_by_1,
        _row_id,
        _source_dataset_id,
        _source_table,
        _created_by_project_id,
        _created_by_run_id,
        _created_at,
        _updated_at,
        CASE WHEN _touched THEN '2018-01' ELSE _period END AS _period,
        _deleted,
        _labels,
        _touched AS _touched_by_2
      FROM (
        SELECT
          *,
          NOT _deleted
          AND (
            timestamp >= CAST('2017-12-31 18:00:00+00:00' AS TIMESTAMPTZ)
          )
          AND NOT _period IS NOT DISTINCT FROM '2018-01' AS _touched
        FROM (
          SELECT
            user_id,
            product_id,
            timestamp,
            revenue,
            category,
            transaction_id,
            basket_id,
            products__brand,
            demographics__age,
            demographics__income,
            split,
            _touched_by_0,
            _row_id,
            _source_dataset_id,
            _source_table,
            _created_by_project_id,
            _created_by_run_id,
            _created_at,
            _updated_at,
            _period,
            CASE WHEN _touched THEN TRUE ELSE _deleted END AS _deleted,
            _labels,
            _touched AS _touched_by_1
          FROM (
            SELECT
              *,
              NOT _deleted
              AND (
                revenue <= CAST('0' AS DECIMAL(38, 9))
                OR LIST_FILTER(_labels, LAMBDA _pair: _pair.key = 'shelf')[1].value = 'old'
              )
              AND TRUE AS _touched
            FROM (
              SELECT
                user_id,
                product_id,
                timestamp,
                revenue,
                category,
                transaction_id,
                basket_id,
                products__brand,
                demographics__age,
                demographics__income,
                split,
                _row_id,
                _source_dataset_id,
                _source_table,
                _created_by_project_id,
                _created_by_run_id,
                _created_at,
                _updated_at,
                _period,
                _deleted,
                CASE
                  WHEN _touched
                  THEN LIST_SORT(LIST_CONCAT(LIST_FILTER(_labels, LAMBDA _pair: _pair.key NOT IN ('shelf', 'draft')), [{'key': 'shelf', 'value': 'pantry'}]))
                  ELSE _labels
                END AS _labels,
                _touched AS _touched_by_0
              FROM (
                SELECT
                  *,
                  NOT _deleted
                  AND (
                    category IN ('GROCERY', 'DRUG GM')
                  )
                  AND (
                    NOT LIST_FILTER(_labels, LAMBDA _pair: _pair.key = 'shelf')[1].value IS NOT DISTINCT FROM 'pantry'
                    OR LIST_FILTER(_labels, LAMBDA _pair: _pair.key = 'draft')[1].value IS NOT NULL
                  ) AS _touched
                FROM (
                  SELECT
                    user_id,
                    product_id,
                    timestamp,
                    revenue,
                    category,
                    transaction_id,
                    basket_id,
                    products__brand,
                    demographics__age,
                    demographics__income,
                    split,
                    _row_id,
                    _source_dataset_id,
                    _source_table,
                    _created_by_project_id,
                    _created_by_run_id,
                    _created_at,
                    _updated_at,
                    _period,
                    _deleted,
                    _labels
                  FROM published_grocery_recommender
                  UNION ALL
                  SELECT
                    user_id,
                    product_id,
                    timestamp,
                    revenue,
                    category,
                    transaction_id,
                    basket_id,
                    products__brand,
                    demographics__age,
                    demographics__income,
                    split,
                    _row_id,
                    _source_dataset_id,
                    _source_table,
                    _created_by_project_id,
                    _created_by_run_id,
                    _created_at,
                    _updated_at,
                    _period,
                    _deleted,
                    _labels
                  FROM published_grocery_recommender
                ) AS _rows_before
              ) AS _marked
            ) AS _rows_before
          ) AS _marked
        ) AS _rows_before
      ) AS _marked
    ) AS _present
    LEFT JOIN (
      SELECT
        *
      FROM (
        SELECT
          user_id,
          product_id,
          timestamp,
          revenue,
          category,
          transaction_id,
          basket_id,
          products__brand,
          demographics__age,
          demographics__income,
          split,
          _row_id,
          _source_dataset_id,
          _source_table,
          _created_by_project_id,
          _created_by_run_id,
          _created_at,
          _updated_at,
          _period,
          _deleted,
          _labels
        FROM published_grocery_recommender
        UNION ALL
        SELECT
          user_id,
          product_id,
          timestamp,
          revenue,
          category,
          transaction_id,
          basket_id,
          products__brand,
          demographics__age,
          demographics__income,
          split,
          _row_id,
          _source_dataset_id,
          _source_table,
          _created_by_project_id,
          _created_by_run_id,
          _created_at,
          _updated_at,
          _period,
          _deleted,
          _labels
        FROM published_grocery_recommender
      ) AS _before_rows
      WHERE
        TRUE
      QUALIFY
        ROW_NUMBER() OVER (
          PARTITION BY _row_id
          ORDER BY CASE WHEN _period = '2018-01' THEN 0 ELSE 1 END, _created_at, _period
        ) = 1
    ) AS _before
      ON _present._row_id = _before._row_id
    WHERE
      _present._period = '2018-01'
  ) AS _stamped
  WHERE
    NOT _deleted
)
SELECT
  *
FROM output
