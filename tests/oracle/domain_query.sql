-- The specification's "Example Generated Query", word for word but for: the tables and columns are the
-- demo's, CURRENT_DATE() is replaced by the literal of as-of before it runs, and DATE_SUB(d, INTERVAL n u)
-- is written d - INTERVAL n u, DuckDB's form of it.
-- Generated query for Dataset: Q4 2024 Training Data
WITH
-- Filter date range (rolling 6 months)
date_filtered AS (
  SELECT *
  FROM transactions
  WHERE trans_date >= CURRENT_DATE() - INTERVAL 6 MONTH
),

-- Calculate product revenue ranking
product_revenue AS (
  SELECT
    product_id,
    SUM(sales_value) as total_revenue,
    PERCENT_RANK() OVER (ORDER BY SUM(sales_value) DESC) as revenue_rank
  FROM date_filtered
  GROUP BY product_id
),

-- Filter top 80% revenue products
top_products AS (
  SELECT product_id
  FROM product_revenue
  WHERE revenue_rank <= 0.80
),

-- Filter customers with min 2 transactions
active_customers AS (
  SELECT household_id
  FROM date_filtered
  WHERE product_id IN (SELECT product_id FROM top_products)
  GROUP BY household_id
  HAVING COUNT(*) >= 2
),

-- Join with product metadata
enriched_transactions AS (
  SELECT
    t.household_id AS user_id,
    t.product_id AS product_id,
    t.trans_date AS timestamp,
    t.sales_value AS revenue,
    t.store_id AS city,
    p.product_type AS product_name,
    p.department AS category,
    p.product_category AS subcategory,
    -- Split indicator: 1 = eval, 0 = train
    CASE
      WHEN t.trans_date >= CURRENT_DATE() - INTERVAL 14 DAY THEN 1
      ELSE 0
    END AS split
  FROM date_filtered t
  INNER JOIN top_products tp ON t.product_id = tp.product_id
  INNER JOIN active_customers ac ON t.household_id = ac.household_id
  LEFT JOIN products p ON t.product_id = p.product_id
)

SELECT * FROM enriched_transactions
