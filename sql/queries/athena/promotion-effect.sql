-- What a promotion by direct mail does to pieces, coupons and profit (empty: sold without a promotion).
SELECT
  ss_promotion.p_channel_dmail AS by_mail,
  count(*) AS sales,
  sum(ss_quantity) AS pieces,
  sum(CAST(ss_coupon_amt AS decimal(18, 2))) AS coupons,
  sum(CAST(ss_net_profit AS decimal(18, 2))) AS profit
FROM store_sales
GROUP BY 1
ORDER BY by_mail NULLS LAST
