WITH source_rows AS (
  SELECT
    demographics.household_id,
    demographics.age,
    demographics.income,
    demographics.home_ownership,
    demographics.household_size,
    demographics.kids_count
  FROM demographics
), enriched_transactions AS (
  SELECT
    demographics.household_id,
    demographics.age,
    demographics.income,
    demographics.home_ownership,
    demographics.household_size,
    demographics.kids_count
  FROM source_rows AS demographics
)
SELECT
  *
FROM enriched_transactions
