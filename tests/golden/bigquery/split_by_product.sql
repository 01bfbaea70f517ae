WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    CAST(CASE WHEN CAST(FORMAT('%.15g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.15g', transactions.sales_value) WHEN CAST(FORMAT('%.16g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.16g', transactions.sales_value) ELSE FORMAT('%.17g', transactions.sales_value) END AS NUMERIC) AS sales_value,
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
    transactions.sales_value AS revenue,
    products.department AS category,
    transactions.basket_id AS transaction_id,
    transactions.basket_id,
    products.brand AS products__brand,
    demographics.age AS demographics__age,
    demographics.income AS demographics__income,
    CAST(CASE
      WHEN SUBSTRING(
        TO_HEX(
          MD5(
            CONCAT('7:', CONCAT('i', COALESCE(CAST(transactions.product_id AS STRING), 'n')))
          )
        ),
        1,
        8
      ) < 'cccccccd'
      THEN 0
      ELSE 1
    END AS INT64) AS split,
    MOD(
      CAST(CAST(CAST(CONCAT('0x', SUBSTR(TO_HEX(REVERSE(MD5(CONCAT('7:fold:', CONCAT('i', COALESCE(CAST(transactions.product_id AS STRING), 'n')))))), 18 - 16 * 0, 15)) AS INT64) AS NUMERIC) AS INT64),
      CAST(5 AS INT64)
    ) AS fold
  FROM date_filtered AS transactions
  LEFT JOIN products
    ON transactions.product_id = products.product_id
  LEFT JOIN demographics
    ON transactions.household_id = demographics.household_id
)
SELECT
  *
FROM enriched_transactions
