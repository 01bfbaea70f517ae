WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    transactions.quantity,
    CAST(CASE WHEN CAST(FORMAT('%.15g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.15g', transactions.sales_value) WHEN CAST(FORMAT('%.16g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.16g', transactions.sales_value) ELSE FORMAT('%.17g', transactions.sales_value) END AS NUMERIC) AS sales_value,
    transactions.transaction_timestamp
  FROM transactions
  WHERE
    transactions.transaction_timestamp >= TIMESTAMP '2017-10-01 00:00:00+00:00'
    AND transactions.transaction_timestamp < TIMESTAMP '2018-01-01 00:00:00+00:00'
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
      WHEN transactions.transaction_timestamp >= TIMESTAMP '2017-12-18 00:00:00+00:00'
      THEN 1
      ELSE 0
    END AS INT64) AS split
  FROM date_filtered AS transactions
  LEFT JOIN (
    SELECT
      *,
      LEAD(changed_at) OVER (PARTITION BY product_id ORDER BY changed_at) AS next_start
    FROM (
      SELECT
        listed.product_id,
        listed.changed_at,
        CAST(CASE WHEN CAST(FORMAT('%.15g', listed.price) AS FLOAT64) = listed.price THEN FORMAT('%.15g', listed.price) WHEN CAST(FORMAT('%.16g', listed.price) AS FLOAT64) = listed.price THEN FORMAT('%.16g', listed.price) ELSE FORMAT('%.17g', listed.price) END AS NUMERIC) AS price
      FROM price_changes AS listed
    )
  ) AS listed
    ON transactions.product_id = listed.product_id
    AND transactions.transaction_timestamp >= listed.changed_at
    AND (
      listed.next_start IS NULL
      OR transactions.transaction_timestamp < listed.next_start
    )
)
SELECT
  *
FROM enriched_transactions
