WITH date_filtered AS (
  SELECT
    transactions.household_id,
    transactions.basket_id,
    transactions.product_id,
    CASE
      WHEN ABS(transactions.sales_value * 1e9 - ROUND(transactions.sales_value * 1e9)) < 0.5 - ABS(transactions.sales_value) * 2.5e-7
      THEN CAST(CAST(transactions.sales_value AS DOUBLE) AS DECIMAL(38, 9))
      WHEN ABS(transactions.sales_value) < 1e13
      AND ROUND(transactions.sales_value * 1e2) / 1e2 = transactions.sales_value
      THEN CAST(CAST(ROUND(transactions.sales_value * 1e2) AS BIGINT) * CAST('0.010000000' AS DECIMAL(19, 9)) AS DECIMAL(38, 9))
      ELSE CAST(CAST(transactions.sales_value AS TEXT) AS DECIMAL(38, 9))
    END AS sales_value,
    MAKE_TIMESTAMPTZ(EPOCH_US(CAST(transactions.transaction_timestamp AS TIMESTAMP))) AS transaction_timestamp,
    products.product_id AS products__product_id,
    products.department AS products__department,
    products.brand AS products__brand
  FROM transactions
  LEFT JOIN products
    ON transactions.product_id = products.product_id
  WHERE
    transactions.transaction_timestamp >= CAST('2017-07-01 00:00:00' AS TIMESTAMP)
    AND transactions.transaction_timestamp < CAST('2018-01-01 00:00:00' AS TIMESTAMP)
), train_rows AS (
  SELECT
    *
  FROM date_filtered
  WHERE
    CAST(CASE
      WHEN SUBSTRING(
        MD5(
          '7:' || CASE
            WHEN products__department IS NULL OR products__brand IS NULL
            THEN 'row:' || CONCAT(
              'i',
              COALESCE(CAST(basket_id AS TEXT), 'n'),
              '|i',
              COALESCE(CAST(product_id AS TEXT), 'n')
            )
            ELSE CONCAT(
              's',
              COALESCE(CAST(LENGTH(products__department) AS TEXT), 'n'),
              ':',
              COALESCE(products__department, ''),
              '|s',
              COALESCE(CAST(LENGTH(products__brand) AS TEXT), 'n'),
              ':',
              COALESCE(products__brand, '')
            )
          END
        ),
        1,
        8
      ) < 'cccccccd'
      THEN 0
      ELSE 1
    END AS BIGINT) = 0
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
        MD5(
          '7:' || CASE
            WHEN transactions.products__department IS NULL OR transactions.products__brand IS NULL
            THEN 'row:' || CONCAT(
              'i',
              COALESCE(CAST(transactions.basket_id AS TEXT), 'n'),
              '|i',
              COALESCE(CAST(transactions.product_id AS TEXT), 'n')
            )
            ELSE CONCAT(
              's',
              COALESCE(CAST(LENGTH(transactions.products__department) AS TEXT), 'n'),
              ':',
              COALESCE(transactions.products__department, ''),
              '|s',
              COALESCE(CAST(LENGTH(transactions.products__brand) AS TEXT), 'n'),
              ':',
              COALESCE(transactions.products__brand, '')
            )
          END
        ),
        1,
        8
      ) < 'cccccccd'
      THEN 0
      ELSE 1
    END AS BIGINT) AS split,
    CAST(CAST((md5_number(
      '7:fold:' || CASE
        WHEN transactions.products__department IS NULL OR transactions.products__brand IS NULL
        THEN 'row:' || CONCAT(
          'i',
          COALESCE(CAST(transactions.basket_id AS TEXT), 'n'),
          '|i',
          COALESCE(CAST(transactions.product_id AS TEXT), 'n')
        )
        ELSE CONCAT(
          's',
          COALESCE(CAST(LENGTH(transactions.products__department) AS TEXT), 'n'),
          ':',
          COALESCE(transactions.products__department, ''),
          '|s',
          COALESCE(CAST(LENGTH(transactions.products__brand) AS TEXT), 'n'),
          ':',
          COALESCE(transactions.products__brand, '')
        )
      END
    ) >> CAST(64 * 0 AS UHUGEINT)) & CAST(1152921504606846975 AS UHUGEINT) AS BIGINT) AS BIGINT) % CAST(10 AS BIGINT) AS fold
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
