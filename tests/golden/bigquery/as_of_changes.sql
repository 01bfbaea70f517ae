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
    CASE
      WHEN TIMESTAMP_DIFF(transactions.transaction_timestamp, price.valid_from, MICROSECOND) <= 7776000000000
      THEN price.tier
    END AS category,
    transactions.basket_id
  FROM date_filtered AS transactions
  LEFT JOIN (
    SELECT
      *,
      LEAD(valid_from) OVER (PARTITION BY product_id ORDER BY valid_from) AS next_start
    FROM (
      SELECT
        *
      FROM (
        SELECT
          *,
          ROW_NUMBER() OVER (PARTITION BY product_id, valid_from ORDER BY revision DESC) AS place
        FROM (
          SELECT
            price.product_id,
            price.valid_from,
            price.revision,
            price.tier
          FROM prices AS price
        ) AS changes
      ) AS numbered
      WHERE
        place = 1
    )
  ) AS price
    ON transactions.product_id = price.product_id
    AND transactions.transaction_timestamp >= price.valid_from
    AND (
      price.next_start IS NULL OR transactions.transaction_timestamp < price.next_start
    )
)
SELECT
  *
FROM enriched_transactions
