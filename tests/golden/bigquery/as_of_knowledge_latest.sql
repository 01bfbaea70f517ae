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
      WHEN price._valid_to IS NULL OR transactions.transaction_timestamp < price._valid_to
      THEN price.tier
    END AS category,
    transactions.basket_id
  FROM date_filtered AS transactions
  LEFT JOIN (
    SELECT
      *,
      LEAD(_valid_from) OVER (PARTITION BY product_id ORDER BY _valid_from) AS next_start
    FROM (
      SELECT
        price.product_id,
        price.tier,
        price._valid_from,
        price._valid_to,
        price._period_from,
        price._period_to
      FROM prices AS price
      WHERE
        (
          price._valid_to IS NULL OR price._valid_from < price._valid_to
        )
        AND price._period_to IS NULL
    )
  ) AS price
    ON transactions.product_id = price.product_id
    AND transactions.transaction_timestamp >= price._valid_from
    AND (
      price.next_start IS NULL OR transactions.transaction_timestamp < price.next_start
    )
)
SELECT
  *
FROM enriched_transactions
