-- Buying by household income band.
SELECT
  CAST(json_extract_path_text(ss_household_demographics, 'hd_income_band_sk') AS bigint) AS income_band,
  count(*) AS sales,
  sum(CAST(ss_net_paid AS decimal(18, 2))) AS revenue
FROM streaming_store_sales
WHERE ss_hdemo_sk IS NOT NULL
GROUP BY 1
ORDER BY income_band NULLS LAST
