WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    CAST(CASE WHEN CAST(FORMAT('%.15g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.15g', transactions.sales_value) WHEN CAST(FORMAT('%.16g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.16g', transactions.sales_value) ELSE FORMAT('%.17g', transactions.sales_value) END AS NUMERIC) AS sales_value,
    transactions.transaction_timestamp
  FROM transactions
  WHERE
    transactions.transaction_timestamp >= TIMESTAMP '2017-07-01 00:00:00+00:00'
    AND transactions.transaction_timestamp < TIMESTAMP '2018-01-01 00:00:00+00:00'
), product_revenue AS (
  SELECT
    product_id,
    SUM(sales_value) AS total_revenue,
    COALESCE(
      SUM(SUM(sales_value)) OVER (
        ORDER BY SUM(sales_value) DESC, product_id
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
      WHEN transactions.transaction_timestamp >= TIMESTAMP '2017-12-18 00:00:00+00:00'
      THEN 1
      ELSE 0
    END AS INT64) AS split
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
), bucketed AS (
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
    COALESCE(CAST(timestamp AS DATE), DATE '0001-01-01') AS _bucket
  FROM enriched_transactions
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
    bucketed.user_id,
    bucketed.product_id,
    bucketed.timestamp,
    bucketed.revenue,
    bucketed.category,
    bucketed.transaction_id,
    bucketed.basket_id,
    bucketed.products__brand,
    bucketed.demographics__age,
    bucketed.demographics__income,
    bucketed.split,
    bucket_sizes._before + ROW_NUMBER() OVER (PARTITION BY bucketed._bucket ORDER BY timestamp, basket_id, product_id) - 1 AS _number
  FROM bucketed
  JOIN bucket_sizes
    ON bucketed._bucket = bucket_sizes._bucket
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
      '-02dab6787ecc'
    ) AS _row_id,
    '01a2001c-5bae-7b91-b4bb-a18b13ce11ed' AS _source_dataset_id,
    'transactions' AS _source_table,
    '01a2001c-5bb6-78a2-b67e-09700bdd3521' AS _created_by_project_id,
    'run-1' AS _created_by_run_id,
    TIMESTAMP '2018-01-02 06:00:00+00:00' AS _created_at,
    TIMESTAMP '2018-01-02 06:00:00+00:00' AS _updated_at,
    '2017-12' AS _period,
    FALSE AS _deleted,
    ARRAY<STRUCT<key STRING, value STRING>>[] AS _labels
  FROM numbered
)
SELECT
  *
FROM published_rows
