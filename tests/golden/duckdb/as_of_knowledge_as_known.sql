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
    price.tier AS category,
    transactions.basket_id
  FROM date_filtered AS transactions
  LEFT JOIN (
    SELECT
      price.product_id,
      price.tier,
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_from AS TIMESTAMP))) AS _valid_from,
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_to AS TIMESTAMP))) AS _valid_to,
      price._period_from,
      price._period_to,
      COALESCE(
        MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_to AS TIMESTAMP))),
        CAST('9999-12-31 23:59:59.999999+00:00' AS TIMESTAMPTZ)
      ) AS valid_until,
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(CAST(TRY_CAST(SUBSTRING(price._period_from, 1, 4) || '-01-01' AS DATE) + INTERVAL (
        (
          TRY_CAST(SUBSTRING(price._period_from, 6) AS BIGINT) - 1
        )
      ) MONTH AS DATE) AS TIMESTAMP))) AS known_from,
      COALESCE(
        MAKE_TIMESTAMPTZ(EPOCH_US(CAST(CAST(TRY_CAST(SUBSTRING(price._period_to, 1, 4) || '-01-01' AS DATE) + INTERVAL (
          (
            TRY_CAST(SUBSTRING(price._period_to, 6) AS BIGINT) - 1
          )
        ) MONTH AS DATE) AS TIMESTAMP))),
        CAST('9999-12-31 23:59:59.999999+00:00' AS TIMESTAMPTZ)
      ) AS known_until
    FROM prices AS price
    WHERE
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_to AS TIMESTAMP))) IS NULL
      OR MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_from AS TIMESTAMP))) < MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price._valid_to AS TIMESTAMP)))
  ) AS price
    ON transactions.product_id = price.product_id
    AND transactions.transaction_timestamp >= price._valid_from
    AND transactions.transaction_timestamp < price.valid_until
    AND transactions.transaction_timestamp >= price.known_from
    AND transactions.transaction_timestamp < price.known_until
)
SELECT
  *
FROM enriched_transactions
