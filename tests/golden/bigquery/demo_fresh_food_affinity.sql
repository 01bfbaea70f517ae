WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    CAST(CASE WHEN CAST(FORMAT('%.15g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.15g', transactions.sales_value) WHEN CAST(FORMAT('%.16g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.16g', transactions.sales_value) ELSE FORMAT('%.17g', transactions.sales_value) END AS NUMERIC) AS sales_value,
    transactions.transaction_timestamp,
    products.product_id AS products__product_id,
    products.department AS products__department,
    products.product_category AS products__product_category,
    products.product_type AS products__product_type
  FROM transactions
  LEFT JOIN products
    ON transactions.product_id = products.product_id
  WHERE
    transactions.transaction_timestamp >= TIMESTAMP '2017-01-01 00:00:00+00:00'
    AND transactions.transaction_timestamp < TIMESTAMP '2018-01-01 00:00:00+00:00'
), active_customers AS (
  SELECT
    household_id
  FROM date_filtered
  WHERE
    products__department IN ('PRODUCE', 'MEAT', 'SEAFOOD', 'DELI', 'PASTRY', 'SALAD BAR')
  GROUP BY
    household_id
  HAVING
    COUNT(DISTINCT basket_id) >= 5
), enriched_transactions AS (
  SELECT
    transactions.household_id AS user_id,
    transactions.product_id,
    transactions.transaction_timestamp AS timestamp,
    transactions.sales_value AS revenue,
    transactions.products__product_type AS product_name,
    transactions.products__department AS category,
    transactions.products__product_category AS subcategory,
    transactions.basket_id AS transaction_id,
    transactions.basket_id,
    CAST(CASE
      WHEN SUBSTRING(
        TO_HEX(
          MD5(
            CONCAT('7:', CONCAT('i', COALESCE(CAST(transactions.household_id AS STRING), 'n')))
          )
        ),
        1,
        8
      ) < 'cccccccd'
      THEN 0
      WHEN SUBSTRING(
        TO_HEX(
          MD5(
            CONCAT('7:', CONCAT('i', COALESCE(CAST(transactions.household_id AS STRING), 'n')))
          )
        ),
        1,
        8
      ) < 'e6666667'
      THEN 2
      ELSE 1
    END AS INT64) AS split
  FROM date_filtered AS transactions
  WHERE
    transactions.products__department IN ('PRODUCE', 'MEAT', 'SEAFOOD', 'DELI', 'PASTRY', 'SALAD BAR')
    AND transactions.household_id IN (
      SELECT
        household_id
      FROM active_customers
    )
)
SELECT
  *
FROM enriched_transactions
