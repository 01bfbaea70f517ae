WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
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
    MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) AS transaction_timestamp
  FROM transactions
  WHERE
    transactions.transaction_timestamp >= CAST('2017-10-01 00:00:00' AS TIMESTAMP)
    AND transactions.transaction_timestamp < CAST('2018-01-01 00:00:00' AS TIMESTAMP)
), enriched_transactions AS (
  SELECT
    transactions.household_id AS user_id,
    transactions.product_id,
    transactions.transaction_timestamp AS timestamp,
    transactions.sales_value AS revenue,
    transactions.basket_id AS transaction_id,
    transactions.basket_id,
    transactions.quantity,
    listed.price AS listed__price,
    CAST(CASE
      WHEN transactions.transaction_timestamp >= CAST('2017-12-18 00:00:00+00:00' AS TIMESTAMPTZ)
      THEN 1
      ELSE 0
    END AS BIGINT) AS split
  FROM date_filtered AS transactions
  ASOF LEFT JOIN (
    SELECT
      listed.product_id,
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(listed.changed_at AS TIMESTAMP))) AS changed_at,
      CASE
        WHEN ABS(listed.price * 1e9 - ROUND(listed.price * 1e9)) < 0.5 - ABS(listed.price) * 2.5e-7
        THEN CAST(CAST(listed.price AS DOUBLE) AS DECIMAL(38, 9))
        WHEN ABS(listed.price) < 1e13 AND ROUND(listed.price * 1e2) / 1e2 = listed.price
        THEN CAST(CAST(ROUND(listed.price * 1e2) AS BIGINT) * CAST('0.010000000' AS DECIMAL(19, 9)) AS DECIMAL(38, 9))
        ELSE CAST(CAST(listed.price AS TEXT) AS DECIMAL(38, 9))
      END AS price
    FROM price_changes AS listed
  ) AS listed
    ON transactions.product_id = listed.product_id
    AND transactions.transaction_timestamp >= listed.changed_at
)
SELECT
  *
FROM enriched_transactions
