WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) AS transaction_timestamp
  FROM transactions
  WHERE
    transactions.transaction_timestamp >= CAST('2017-07-01 00:00:00' AS TIMESTAMP)
    AND transactions.transaction_timestamp < CAST('2018-01-01 00:00:00' AS TIMESTAMP)
), active_customers AS (
  SELECT
    household_id
  FROM date_filtered
  GROUP BY
    household_id
  HAVING
    COUNT(*) >= 2
), enriched_transactions AS (
  SELECT
    transactions.household_id AS user_id,
    transactions.product_id,
    transactions.transaction_timestamp AS timestamp,
    transactions.basket_id,
    products.brand AS products__brand,
    demographics.age AS demographics__age,
    demographics.income AS demographics__income,
    CAST(CASE
      WHEN transactions.transaction_timestamp >= CAST('2017-12-18 00:00:00+00:00' AS TIMESTAMPTZ)
      THEN 1
      ELSE 0
    END AS BIGINT) AS split
  FROM date_filtered AS transactions
  LEFT JOIN products
    ON transactions.product_id = products.product_id
  LEFT JOIN demographics
    ON transactions.household_id = demographics.household_id
  WHERE
    transactions.household_id IN (
      SELECT
        household_id
      FROM active_customers
    )
)
SELECT
  *
FROM enriched_transactions
