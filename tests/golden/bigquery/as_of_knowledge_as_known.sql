WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    transactions.transaction_timestamp
  FROM transactions
  WHERE
    transactions.transaction_timestamp >= TIMESTAMP '2017-07-01 00:00:00+00:00'
    AND transactions.transaction_timestamp < TIMESTAMP '2018-01-01 00:00:00+00:00'
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
      price._valid_from,
      price._valid_to,
      price._period_from,
      price._period_to,
      COALESCE(price._valid_to, TIMESTAMP '9999-12-31 23:59:59.999999+00:00') AS valid_until,
      TIMESTAMP(CAST(DATE_ADD(SAFE_CAST(CONCAT(SUBSTRING(price._period_from, 1, 4), '-01-01') AS DATE), INTERVAL (
        (
          SAFE_CAST(SUBSTRING(price._period_from, 6) AS INT64) - 1
        )
      ) MONTH) AS DATE), 'UTC') AS known_from,
      COALESCE(
        TIMESTAMP(CAST(DATE_ADD(SAFE_CAST(CONCAT(SUBSTRING(price._period_to, 1, 4), '-01-01') AS DATE), INTERVAL (
          (
            SAFE_CAST(SUBSTRING(price._period_to, 6) AS INT64) - 1
          )
        ) MONTH) AS DATE), 'UTC'),
        TIMESTAMP '9999-12-31 23:59:59.999999+00:00'
      ) AS known_until
    FROM prices AS price
    WHERE
      price._valid_to IS NULL OR price._valid_from < price._valid_to
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
