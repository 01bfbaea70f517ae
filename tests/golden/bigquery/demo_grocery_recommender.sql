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
)
SELECT
  *
FROM enriched_transactions
