-- Sales and revenue per hour of the day and store.
SELECT
  ss_time_dim.t_hour AS hour_of_day,
  ss_store.s_store_id AS store,
  count(*) AS sales,
  sum(CAST(ss_net_paid AS decimal(18, 2))) AS revenue
FROM store_sales
WHERE ss_sold_time_sk IS NOT NULL AND ss_store_sk IS NOT NULL
GROUP BY 1, 2
ORDER BY hour_of_day NULLS LAST, store NULLS LAST
