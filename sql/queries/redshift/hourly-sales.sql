-- Sales and revenue per hour of the day and store.
SELECT
  CAST(json_extract_path_text(ss_time_dim, 't_hour') AS bigint) AS hour_of_day,
  json_extract_path_text(ss_store, 's_store_id') AS store,
  count(*) AS sales,
  sum(CAST(ss_net_paid AS decimal(18, 2))) AS revenue
FROM streaming_store_sales
WHERE ss_sold_time_sk IS NOT NULL AND ss_store_sk IS NOT NULL
GROUP BY 1, 2
ORDER BY hour_of_day NULLS LAST, store NULLS LAST
