WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) AS transaction_timestamp,
    CASE
      WHEN price.valid_to IS NULL
      OR MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) < MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price.valid_to AS TIMESTAMP)))
      THEN price.product_id
    END AS price__product_id,
    CASE
      WHEN price.valid_to IS NULL
      OR MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) < MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price.valid_to AS TIMESTAMP)))
      THEN price.valid_from
    END AS price__valid_from,
    CASE
      WHEN price.valid_to IS NULL
      OR MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) < MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price.valid_to AS TIMESTAMP)))
      THEN price.valid_to
    END AS price__valid_to,
    CASE
      WHEN price.valid_to IS NULL
      OR MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) < MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price.valid_to AS TIMESTAMP)))
      THEN price.tier
    END AS price__tier
  FROM transactions
  ASOF LEFT JOIN (
    SELECT
      price.product_id,
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price.valid_from AS TIMESTAMP))) AS valid_from,
      price.valid_to,
      price.tier,
      COALESCE(
        MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price.valid_from AS TIMESTAMP))),
        CAST('0001-01-01 00:00:00+00:00' AS TIMESTAMPTZ)
      ) AS known_from
    FROM prices AS price
    WHERE
      price.valid_to IS NULL
      OR COALESCE(
        MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price.valid_from AS TIMESTAMP))),
        CAST('0001-01-01 00:00:00+00:00' AS TIMESTAMPTZ)
      ) < MAKE_TIMESTAMPTZ(EPOCH_US(CAST(price.valid_to AS TIMESTAMP)))
  ) AS price
    ON transactions.product_id = price.product_id
    AND MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) >= price.known_from
  WHERE
    transactions.transaction_timestamp >= CAST('2017-07-01 00:00:00' AS TIMESTAMP)
    AND transactions.transaction_timestamp < CAST('2018-01-01 00:00:00' AS TIMESTAMP)
), enriched_transactions AS (
  SELECT
    transactions.household_id AS user_id,
    transactions.product_id,
    transactions.transaction_timestamp AS timestamp,
    transactions.price__tier AS category,
    transactions.basket_id
  FROM date_filtered AS transactions
  WHERE
    transactions.price__tier IN ('gold')
)
SELECT
  *
FROM enriched_transactions
