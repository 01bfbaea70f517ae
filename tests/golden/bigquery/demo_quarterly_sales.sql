WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    transactions.store_id,
    CAST(CASE WHEN CAST(FORMAT('%.15g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.15g', transactions.sales_value) WHEN CAST(FORMAT('%.16g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.16g', transactions.sales_value) ELSE FORMAT('%.17g', transactions.sales_value) END AS NUMERIC) AS sales_value,
    transactions.transaction_timestamp
  FROM transactions
  WHERE
    (
      transactions.transaction_timestamp >= TIMESTAMP '2017-10-01 00:00:00+00:00'
      AND transactions.transaction_timestamp < TIMESTAMP '2018-01-01 00:00:00+00:00'
    )
    AND (
      transactions.transaction_timestamp < TIMESTAMP '2017-11-27 00:00:00+00:00'
      OR transactions.transaction_timestamp >= TIMESTAMP '2017-12-04 00:00:00+00:00'
    )
), train_rows AS (
  SELECT
    *
  FROM date_filtered
  WHERE
    CAST(CASE
      WHEN transaction_timestamp >= TIMESTAMP '2017-12-18 00:00:00+00:00'
      THEN 2
      WHEN transaction_timestamp >= TIMESTAMP '2017-12-04 00:00:00+00:00'
      THEN 1
      ELSE 0
    END AS INT64) = 0
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
      WHEN transactions.transaction_timestamp >= TIMESTAMP '2017-12-18 00:00:00+00:00'
      THEN 2
      WHEN transactions.transaction_timestamp >= TIMESTAMP '2017-12-04 00:00:00+00:00'
      THEN 1
      ELSE 0
    END AS INT64) AS split
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
