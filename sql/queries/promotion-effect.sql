-- What promotions by direct mail and by event do to quantity, discount and profit.
SELECT
  ss_promotion.p_channel_dmail AS by_mail,
  ss_promotion.p_channel_event AS by_event,
  count(*) AS sales,
  sum(ss_quantity) AS pieces,
  sum(CAST(ss_coupon_amt AS decimal(18, 2))) AS coupons,
  sum(CAST(ss_net_profit AS decimal(18, 2))) AS profit
FROM store_sales
WHERE ss_promo_sk IS NOT NULL
GROUP BY 1, 2
ORDER BY by_mail NULLS LAST, by_event NULLS LAST
