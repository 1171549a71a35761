-- Sales and revenue per item category.
SELECT
  ss_item.i_category AS category,
  count(*) AS sales,
  sum(CAST(ss_ext_sales_price AS decimal(18, 2))) AS revenue
FROM store_sales
GROUP BY 1
ORDER BY revenue DESC NULLS LAST, category NULLS LAST
