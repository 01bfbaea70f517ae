WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    CASE
      WHEN ABS(transactions.sales_value * 1e9 - ROUND(transactions.sales_value * 1e9)) < 0.5 - ABS(transactions.sales_value) * 2.5e-7
      THEN CAST(CAST(transactions.sales_value AS DOUBLE) AS DECIMAL(38, 9))
      WHEN ABS(transactions.sales_value) < 1e13
      AND ROUND(transactions.sales_value * 1e2) / 1e2 = transactions.sales_value
      THEN CAST(CAST(ROUND(transactions.sales_value * 1e2) AS BIGINT) * CAST('0.010000000' AS DECIMAL(19, 9)) AS DECIMAL(38, 9))
      ELSE CAST(CAST(transactions.sales_value AS TEXT) AS DECIMAL(38, 9))
    END AS sales_value,
    MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) AS transaction_timestamp
  FROM transactions
  WHERE
    transactions.transaction_timestamp >= CAST('2017-07-01 00:00:00' AS TIMESTAMP)
    AND transactions.transaction_timestamp < CAST('2018-01-01 00:00:00' AS TIMESTAMP)
), product_revenue AS (
  SELECT
    product_id,
    SUM(sales_value) AS total_revenue,
    COALESCE(
      SUM(SUM(sales_value)) OVER (
        ORDER BY SUM(sales_value) DESC, product_id NULLS FIRST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ),
      0
    ) AS revenue_before,
    SUM(SUM(sales_value)) OVER () AS revenue_of_all
  FROM date_filtered
  GROUP BY
    product_id
), top_products AS (
  SELECT
    product_id
  FROM product_revenue
  WHERE
    revenue_before * 100 < 80 * revenue_of_all AND revenue_of_all > 0
), active_customers AS (
  SELECT
    household_id
  FROM date_filtered
  WHERE
    product_id IN (
      SELECT
        product_id
      FROM top_products
    )
  GROUP BY
    household_id
  HAVING
    COUNT(DISTINCT basket_id) >= 2
), enriched_transactions AS (
  SELECT
    transactions.household_id AS user_id,
    transactions.product_id,
    transactions.transaction_timestamp AS timestamp,
    transactions.sales_value AS revenue,
    products.department AS category,
    transactions.basket_id AS transaction_id,
    transactions.basket_id,
    products.brand AS products__brand,
    demographics.age AS demographics__age,
    demographics.income AS demographics__income,
    CAST(CASE
      WHEN transactions.transaction_timestamp >= CAST('2017-12-18 00:00:00+00:00' AS TIMESTAMPTZ)
      THEN 1
      ELSE 0
    END AS BIGINT) AS split
  FROM date_filtered AS transactions
  LEFT JOIN products
    ON transactions.product_id = products.product_id
  LEFT JOIN demographics
    ON transactions.household_id = demographics.household_id
  WHERE
    transactions.product_id IN (
      SELECT
        product_id
      FROM top_products
    )
    AND transactions.household_id IN (
      SELECT
        household_id
      FROM active_customers
    )
), present AS (
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
    split
  FROM enriched_transactions
), previous AS (
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
), compared AS (
  SELECT
    present.user_id,
    present.product_id,
    present.timestamp,
    present.revenue,
    present.category,
    present.transaction_id,
    present.basket_id,
    present.products__brand,
    present.demographics__age,
    present.demographics__income,
    present.split,
    previous._row_id,
    previous._source_dataset_id,
    previous._source_table,
    previous._created_by_project_id,
    previous._created_by_run_id,
    previous._created_at,
    previous._updated_at,
    previous._period,
    previous._deleted,
    previous._labels,
    NOT (
      present.user_id IS NOT DISTINCT FROM previous.user_id
      AND present.timestamp IS NOT DISTINCT FROM previous.timestamp
      AND present.revenue IS NOT DISTINCT FROM previous.revenue
      AND present.category IS NOT DISTINCT FROM previous.category
      AND present.transaction_id IS NOT DISTINCT FROM previous.transaction_id
      AND present.products__brand IS NOT DISTINCT FROM previous.products__brand
      AND present.demographics__age IS NOT DISTINCT FROM previous.demographics__age
      AND present.demographics__income IS NOT DISTINCT FROM previous.demographics__income
      AND present.split IS NOT DISTINCT FROM previous.split
    ) AS _changed
  FROM present
  LEFT JOIN previous
    ON present.basket_id = previous.basket_id
    AND present.product_id = previous.product_id
), added AS (
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
    split
  FROM compared
  WHERE
    _row_id IS NULL
), sorted_rows AS (
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
    split
  FROM added
  ORDER BY
    timestamp NULLS FIRST,
    basket_id NULLS FIRST,
    product_id NULLS FIRST
), numbered AS (
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
    ROW_NUMBER() OVER () - 1 AS _number
  FROM sorted_rows
), published_rows AS (
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
    CASE
      WHEN _changed
      THEN CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ)
      ELSE _updated_at
    END AS _updated_at,
    _period,
    _deleted,
    _labels
  FROM compared
  WHERE
    _row_id IS NOT NULL
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
      '-02dab6787ecc'
    ) AS _row_id,
    '01a2001c-5bae-7b91-b4bb-a18b13ce11ed' AS _source_dataset_id,
    'transactions' AS _source_table,
    '01a2001c-5bb6-78a2-b67e-09700bdd3521' AS _created_by_project_id,
    'run-1' AS _created_by_run_id,
    CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ) AS _created_at,
    CAST('2018-01-02 06:00:00+00:00' AS TIMESTAMPTZ) AS _updated_at,
    '2017-12' AS _period,
    FALSE AS _deleted,
    CAST([] AS STRUCT(key TEXT, value TEXT)[]) AS _labels
  FROM numbered
)
SELECT
  *
FROM published_rows
