WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    CAST(CASE WHEN CAST(FORMAT('%.15g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.15g', transactions.sales_value) WHEN CAST(FORMAT('%.16g', transactions.sales_value) AS FLOAT64) = transactions.sales_value THEN FORMAT('%.16g', transactions.sales_value) ELSE FORMAT('%.17g', transactions.sales_value) END AS NUMERIC) AS sales_value,
    transactions.transaction_timestamp,
    products.product_id AS products__product_id,
    products.department AS products__department,
    products.brand AS products__brand
  FROM transactions
  LEFT JOIN products
    ON transactions.product_id = products.product_id
  WHERE
    transactions.transaction_timestamp >= TIMESTAMP '2017-07-01 00:00:00+00:00'
    AND transactions.transaction_timestamp < TIMESTAMP '2018-01-01 00:00:00+00:00'
), train_rows AS (
  SELECT
    *
  FROM date_filtered
  WHERE
    CAST(CASE
      WHEN SUBSTRING(
        TO_HEX(
          MD5(
            CONCAT(
              '7:',
              CASE
                WHEN products__department IS NULL OR products__brand IS NULL
                THEN CONCAT(
                  'row:',
                  CONCAT(
                    'i',
                    COALESCE(CAST(basket_id AS STRING), 'n'),
                    '|i',
                    COALESCE(CAST(product_id AS STRING), 'n')
                  )
                )
                ELSE CONCAT(
                  's',
                  COALESCE(CAST(LENGTH(products__department) AS STRING), 'n'),
                  ':',
                  COALESCE(products__department, ''),
                  '|s',
                  COALESCE(CAST(LENGTH(products__brand) AS STRING), 'n'),
                  ':',
                  COALESCE(products__brand, '')
                )
              END
            )
          )
        ),
        1,
        8
      ) < 'cccccccd'
      THEN 0
      ELSE 1
    END AS INT64) = 0
), active_customers AS (
  SELECT
    household_id
  FROM train_rows
  GROUP BY
    household_id
  HAVING
    COUNT(DISTINCT basket_id) >= 2
), enriched_transactions AS (
  SELECT
    transactions.household_id AS user_id,
    transactions.product_id,
    transactions.transaction_timestamp AS timestamp,
    transactions.sales_value AS revenue,
    transactions.products__department AS category,
    transactions.basket_id AS transaction_id,
    transactions.basket_id,
    transactions.products__brand,
    demographics.age AS demographics__age,
    demographics.income AS demographics__income,
    CAST(CASE
      WHEN SUBSTRING(
        TO_HEX(
          MD5(
            CONCAT(
              '7:',
              CASE
                WHEN transactions.products__department IS NULL OR transactions.products__brand IS NULL
                THEN CONCAT(
                  'row:',
                  CONCAT(
                    'i',
                    COALESCE(CAST(transactions.basket_id AS STRING), 'n'),
                    '|i',
                    COALESCE(CAST(transactions.product_id AS STRING), 'n')
                  )
                )
                ELSE CONCAT(
                  's',
                  COALESCE(CAST(LENGTH(transactions.products__department) AS STRING), 'n'),
                  ':',
                  COALESCE(transactions.products__department, ''),
                  '|s',
                  COALESCE(CAST(LENGTH(transactions.products__brand) AS STRING), 'n'),
                  ':',
                  COALESCE(transactions.products__brand, '')
                )
              END
            )
          )
        ),
        1,
        8
      ) < 'cccccccd'
      THEN 0
      ELSE 1
    END AS INT64) AS split,
    MOD(
      CAST(CAST(CAST(CONCAT('0x', SUBSTR(TO_HEX(REVERSE(MD5(CONCAT(
        '7:fold:',
        CASE
          WHEN transactions.products__department IS NULL OR transactions.products__brand IS NULL
          THEN CONCAT(
            'row:',
            CONCAT(
              'i',
              COALESCE(CAST(transactions.basket_id AS STRING), 'n'),
              '|i',
              COALESCE(CAST(transactions.product_id AS STRING), 'n')
            )
          )
          ELSE CONCAT(
            's',
            COALESCE(CAST(LENGTH(transactions.products__department) AS STRING), 'n'),
            ':',
            COALESCE(transactions.products__department, ''),
            '|s',
            COALESCE(CAST(LENGTH(transactions.products__brand) AS STRING), 'n'),
            ':',
            COALESCE(transactions.products__brand, '')
          )
        END
      )))), 18 - 16 * 0, 15)) AS INT64) AS NUMERIC) AS INT64),
      CAST(10 AS INT64)
    ) AS fold
  FROM date_filtered AS transactions
  LEFT JOIN demographics
    ON transactions.household_id = demographics.household_id
  WHERE
    transactions.household_id IN (
      SELECT
        household_id
      FROM active_customers
    )
)
SELECT
  *
FROM enriched_transactions
