WITH source_rows AS (
  SELECT
    coupon_redemptions.household_id,
    coupon_redemptions.coupon_upc,
    coupon_redemptions.campaign_id,
    MAKE_TIMESTAMPTZ(EPOCH_US(CAST(coupon_redemptions.redemption_date AS TIMESTAMP))) AS redemption_date
  FROM coupon_redemptions
), enriched_transactions AS (
  SELECT
    coupon_redemptions.household_id,
    coupon_redemptions.coupon_upc,
    coupon_redemptions.campaign_id,
    coupon_redemptions.redemption_date,
    campaign.campaign_id AS campaign__campaign_id,
    campaign.campaign_type AS campaign__campaign_type,
    campaign.start_date AS campaign__start_date,
    campaign.end_date AS campaign__end_date,
    household.household_id AS household__household_id,
    household.age AS household__age,
    household.income AS household__income,
    household.home_ownership AS household__home_ownership,
    household.household_size AS household__household_size,
    household.kids_count AS household__kids_count
  FROM source_rows AS coupon_redemptions
  LEFT JOIN (
    SELECT
      campaign.campaign_id,
      campaign.campaign_type,
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(campaign.start_date AS TIMESTAMP))) AS start_date,
      MAKE_TIMESTAMPTZ(EPOCH_US(CAST(campaign.end_date AS TIMESTAMP))) AS end_date
    FROM campaign_descriptions AS campaign
  ) AS campaign
    ON coupon_redemptions.campaign_id = campaign.campaign_id
  LEFT JOIN household_profiles AS household
    ON coupon_redemptions.household_id = household.household_id
)
SELECT
  *
FROM enriched_transactions
