WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    transactions.store_id,
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
    (
      transactions.transaction_timestamp >= CAST('2017-10-01 00:00:00' AS TIMESTAMP)
      AND transactions.transaction_timestamp < CAST('2018-01-01 00:00:00' AS TIMESTAMP)
    )
    AND (
      transactions.transaction_timestamp < CAST('2017-11-27 00:00:00' AS TIMESTAMP)
      OR transactions.transaction_timestamp >= CAST('2017-12-04 00:00:00' AS TIMESTAMP)
    )
), train_rows AS (
  SELECT
    *
  FROM date_filtered
  WHERE
    CAST(CASE
      WHEN transaction_timestamp >= CAST('2017-12-18 00:00:00+00:00' AS TIMESTAMPTZ)
      THEN 2
      WHEN transaction_timestamp >= CAST('2017-12-04 00:00:00+00:00' AS TIMESTAMPTZ)
      THEN 1
      ELSE 0
    END AS BIGINT) = 0
), product_revenue AS (
  SELECT
    product_id,
    SUM(sales_value) AS total_revenue,
    PERCENT_RANK() OVER (ORDER BY SUM(sales_value) DESC) AS revenue_rank
  FROM train_rows
  GROUP BY
    product_id
), top_products AS (
  SELECT
    product_id
  FROM product_revenue
  WHERE
    revenue_rank <= 0.80
), enriched_transactions AS (
  SELECT
    transactions.household_id AS user_id,
    transactions.product_id,
    transactions.transaction_timestamp AS timestamp,
    transactions.sales_value AS revenue,
    transactions.basket_id,
    transactions.store_id,
    CAST(CASE
      WHEN transactions.transaction_timestamp >= CAST('2017-12-18 00:00:00+00:00' AS TIMESTAMPTZ)
      THEN 2
      WHEN transactions.transaction_timestamp >= CAST('2017-12-04 00:00:00+00:00' AS TIMESTAMPTZ)
      THEN 1
      ELSE 0
    END AS BIGINT) AS split
  FROM date_filtered AS transactions
  WHERE
    transactions.product_id IN (
      SELECT
        product_id
      FROM top_products
    )
)
SELECT
  *
FROM enriched_transactions
