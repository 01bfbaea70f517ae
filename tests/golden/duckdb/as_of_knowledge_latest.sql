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
      WHEN price._valid_to IS NULL OR transactions.transaction_timestamp < price._valid_to
      THEN price.tier
    END AS category,
    transactions.basket_id
  FROM date_filtered AS transactions
  ASOF LEFT JOIN (
    SELECT
      price.product_id,
      price.tier,
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_from AS TIMESTAMP))) AS _valid_from,
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_to AS TIMESTAMP))) AS _valid_to,
      price._period_from,
      price._period_to
    FROM prices AS price
    WHERE
      (
        MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_to AS TIMESTAMP))) IS NULL
        OR MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_from AS TIMESTAMP))) < MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_to AS TIMESTAMP)))
      )
      AND price._period_to IS NULL
  ) AS price
    ON transactions.product_id = price.product_id
    AND transactions.transaction_timestamp >= price._valid_from
)
SELECT
  *
FROM enriched_transactions
