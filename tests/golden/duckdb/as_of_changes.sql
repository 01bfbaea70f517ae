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
), enriched_transactions AS (
  SELECT
    transactions.household_id AS user_id,
    transactions.product_id,
    transactions.transaction_timestamp AS timestamp,
    CASE
      WHEN EPOCH_US(transactions.transaction_timestamp) - EPOCH_US(price.valid_from) <= 7776000000000
      THEN price.tier
    END AS category,
    transactions.basket_id
  FROM date_filtered AS transactions
  ASOF LEFT JOIN (
    SELECT
      *
    FROM (
      SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY product_id, valid_from ORDER BY revision DESC) AS place
      FROM (
        SELECT
          price.product_id,
          MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price.valid_from AS TIMESTAMP))) AS valid_from,
          price.revision,
          price.tier
        FROM prices AS price
      ) AS changes
    ) AS numbered
    WHERE
      place = 1
  ) AS price
    ON transactions.product_id = price.product_id
    AND transactions.transaction_timestamp >= price.valid_from
)
SELECT
  *
FROM enriched_transactions
