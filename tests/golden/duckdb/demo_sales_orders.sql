WITH source_rows AS (
  SELECT
    transactions.basket_id,
    transactions.household_id,
    transactions.product_id,
    transactions.quantity,
    CASE
      WHEN ABS(transactions.sales_value * 1e9 - ROUND(transactions.sales_value * 1e9)) < 0.5 - ABS(transactions.sales_value) * 2.5e-7
      THEN CAST(CAST(transactions.sales_value AS DOUBLE) AS DECIMAL(38, 9))
      WHEN ABS(transactions.sales_value) < 1e13
      AND ROUND(transactions.sales_value * 1e2) / 1e2 = transactions.sales_value
      THEN CAST(CAST(ROUND(transactions.sales_value * 1e2) AS BIGINT) * CAST('0.010000000' AS DECIMAL(19, 9)) AS DECIMAL(38, 9))
      ELSE CAST(CAST(transactions.sales_value AS TEXT) AS DECIMAL(38, 9))
    END AS sales_value,
    transactions.store_id
  FROM transactions
), enriched_transactions AS (
  SELECT
    transactions.basket_id,
    transactions.household_id,
    transactions.product_id,
    transactions.quantity,
    transactions.sales_value,
    transactions.store_id,
    customers.household_id AS customers__household_id,
    customers.home_ownership AS customers__home_ownership,
    customers.household_comp AS customers__household_comp,
    product_categories.product_id AS product_categories__product_id,
    product_categories.department AS product_categories__department,
    product_categories.product_category AS product_categories__product_category,
    product_categories.product_type AS product_categories__product_type
  FROM source_rows AS transactions
  LEFT JOIN demographics AS customers
    ON transactions.household_id = customers.household_id
  LEFT JOIN product_categories
    ON transactions.product_id = product_categories.product_id
)
SELECT
  *
FROM enriched_transactions
