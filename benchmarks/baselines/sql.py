"""Job J as a person would write it for DuckDB; `data` is the folder of the Parquet files."""

HAND_WRITTEN = """
WITH windowed AS (
  SELECT household_id, product_id, basket_id, CAST(sales_value AS DECIMAL(38, 9)) AS sales_value,
    timezone('UTC', transaction_timestamp) AS ts
  FROM '{data}/transactions.parquet'
  WHERE transaction_timestamp >= TIMESTAMP '2017-07-01' AND transaction_timestamp < TIMESTAMP '2018-01-01'
), revenue AS (
  SELECT product_id, SUM(sales_value) AS total FROM windowed GROUP BY product_id
), ranked AS (
  SELECT product_id, SUM(total) OVER () AS whole,
    COALESCE(SUM(total) OVER (
      ORDER BY total DESC, product_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS ahead
  FROM revenue
), top AS (
  SELECT product_id FROM ranked WHERE ahead * 100 < 80 * whole
), active AS (
  SELECT household_id FROM windowed JOIN top USING (product_id)
  GROUP BY household_id HAVING COUNT(DISTINCT basket_id) >= 2
)
SELECT w.household_id AS user_id, w.product_id, w.ts AS "timestamp", w.sales_value AS revenue,
  p.department AS category, w.basket_id AS transaction_id, w.basket_id, p.brand, d.age, d.income,
  CAST(w.ts >= TIMESTAMPTZ '2017-12-18 00:00:00+00' AS BIGINT) AS split
FROM windowed AS w
JOIN top USING (product_id)
JOIN active USING (household_id)
LEFT JOIN '{data}/products.parquet' AS p ON p.product_id = w.product_id
LEFT JOIN '{data}/demographics.parquet' AS d ON d.household_id = w.household_id
"""
