WITH source_rows AS (
  SELECT
    transactions.basket_id,
    transactions.household_id,
    transactions.product_id,
    transactions.quantity,
    CAST(CASE WHEN CAST(FORMAT('%.15g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.15g', transactions.sales_value) WHEN CAST(FORMAT('%.16g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.16g', transactions.sales_value) ELSE FORMAT('%.17g', transactions.sales_value) END AS NUMERIC) AS sales_value,
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
