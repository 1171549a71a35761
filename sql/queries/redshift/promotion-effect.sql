-- What a promotion by direct mail does to pieces, coupons and profit (empty: sold without a promotion).
SELECT
  json_extract_path_text(ss_promotion, 'p_channel_dmail') AS by_mail,
  count(*) AS sales,
  sum(ss_quantity) AS pieces,
  sum(CAST(ss_coupon_amt AS decimal(18, 2))) AS coupons,
  sum(CAST(ss_net_profit AS decimal(18, 2))) AS profit
FROM streaming_store_sales
GROUP BY 1
ORDER BY by_mail NULLS LAST
