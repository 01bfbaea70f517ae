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
      WHEN SUBSTRING(MD5('7:' || CONCAT('i', COALESCE(CAST(transactions.product_id AS TEXT), 'n'))), 1, 8) < 'cccccccd'
      THEN 0
      ELSE 1
    END AS BIGINT) AS split,
    CAST(CAST((md5_number('7:fold:' || CONCAT('i', COALESCE(CAST(transactions.product_id AS TEXT), 'n'))) >> CAST(64 * 0 AS UHUGEINT)) & CAST(1152921504606846975 AS UHUGEINT) AS BIGINT) AS BIGINT) % CAST(5 AS BIGINT) AS fold
  FROM date_filtered AS transactions
  LEFT JOIN products
    ON transactions.product_id = products.product_id
  LEFT JOIN demographics
    ON transactions.household_id = demographics.household_id
)
SELECT
  *
FROM enriched_transactions
