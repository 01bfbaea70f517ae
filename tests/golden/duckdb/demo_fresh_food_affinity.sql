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
    MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) AS transaction_timestamp,
    products.product_id AS products__product_id,
    products.department AS products__department,
    products.product_category AS products__product_category,
    products.product_type AS products__product_type
  FROM transactions
  LEFT JOIN products
    ON transactions.product_id = products.product_id
  WHERE
    transactions.transaction_timestamp >= CAST('2017-01-01 00:00:00' AS TIMESTAMP)
    AND transactions.transaction_timestamp < CAST('2018-01-01 00:00:00' AS TIMESTAMP)
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
        MD5('7:' || CONCAT('i', COALESCE(CAST(transactions.household_id AS TEXT), 'n'))),
        1,
        8
      ) < 'cccccccd'
      THEN 0
      WHEN SUBSTRING(
        MD5('7:' || CONCAT('i', COALESCE(CAST(transactions.household_id AS TEXT), 'n'))),
        1,
        8
      ) < 'e6666667'
      THEN 2
      ELSE 1
    END AS BIGINT) AS split
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
