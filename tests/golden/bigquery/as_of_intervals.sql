WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    transactions.transaction_timestamp,
    CASE
      WHEN price.valid_to IS NULL
      OR transactions.transaction_timestamp < TIMESTAMP(price.valid_to, 'UTC')
      THEN price.product_id
    END AS price__product_id,
    CASE
      WHEN price.valid_to IS NULL
      OR transactions.transaction_timestamp < TIMESTAMP(price.valid_to, 'UTC')
      THEN price.valid_from
    END AS price__valid_from,
    CASE
      WHEN price.valid_to IS NULL
      OR transactions.transaction_timestamp < TIMESTAMP(price.valid_to, 'UTC')
      THEN price.valid_to
    END AS price__valid_to,
    CASE
      WHEN price.valid_to IS NULL
      OR transactions.transaction_timestamp < TIMESTAMP(price.valid_to, 'UTC')
      THEN price.tier
    END AS price__tier
  FROM transactions
  LEFT JOIN (
    SELECT
      *,
      LEAD(known_from) OVER (PARTITION BY product_id ORDER BY known_from) AS next_start
    FROM (
      SELECT
        price.product_id,
        price.valid_from,
        price.valid_to,
        price.tier,
        COALESCE(price.valid_from, TIMESTAMP '0001-01-01 00:00:00+00:00') AS known_from
      FROM prices AS price
      WHERE
        price.valid_to IS NULL
        OR COALESCE(price.valid_from, TIMESTAMP '0001-01-01 00:00:00+00:00') < TIMESTAMP(price.valid_to, 'UTC')
    )
  ) AS price
    ON transactions.product_id = price.product_id
    AND transactions.transaction_timestamp >= price.known_from
    AND (
      price.next_start IS NULL OR transactions.transaction_timestamp < price.next_start
    )
  WHERE
    transactions.transaction_timestamp >= TIMESTAMP '2017-07-01 00:00:00+00:00'
    AND transactions.transaction_timestamp < TIMESTAMP '2018-01-01 00:00:00+00:00'
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
