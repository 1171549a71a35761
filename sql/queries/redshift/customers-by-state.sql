-- Customers, sales and revenue per state that sales are addressed to.
SELECT
  json_extract_path_text(ss_customer_address, 'ca_state') AS state,
  count(DISTINCT ss_customer_sk) AS customers,
  count(*) AS sales,
  sum(CAST(ss_net_paid AS decimal(18, 2))) AS revenue
FROM streaming_store_sales
WHERE ss_customer_sk IS NOT NULL AND ss_addr_sk IS NOT NULL
GROUP BY 1
ORDER BY customers DESC, state NULLS LAST
