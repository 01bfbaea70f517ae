WITH source_rows AS (
  SELECT
    products.product_id,
    products.department,
    products.product_category,
    products.product_type
  FROM products
), enriched_transactions AS (
  SELECT
    products.product_id,
    products.department,
    products.product_category,
    products.product_type
  FROM source_rows AS products
)
SELECT
  *
FROM enriched_transactions
