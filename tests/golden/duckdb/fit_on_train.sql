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
), train_rows AS (
  SELECT
    *
  FROM date_filtered
  WHERE
    CAST(CASE
      WHEN transaction_timestamp >= CAST('2017-12-18 00:00:00+00:00' AS TIMESTAMPTZ)
      THEN 1
      ELSE 0
    END AS BIGINT) = 0
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
  FROM train_rows
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
  FROM train_rows
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
)
SELECT
  *
FROM enriched_transactions
