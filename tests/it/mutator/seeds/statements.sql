WITH a AS (SELECT 1 x UNION ALL SELECT 2) SELECT x, sum(x) OVER (ORDER BY x), CASE WHEN x > 1 THEN 'a' END FROM a
SELECT ss_item_sk % 7, CAST(ss_net_paid AS varchar), substr(ss_sold_date, 1, 4) FROM store_sales ORDER BY 1 LIMIT 5
SELECT date_trunc('month', CAST('2026-11-29' AS date)), regexp_replace('abc', '(b)', '[\1]'), repeat('x', 20)
SELECT * FROM store_sales a JOIN store_sales b ON a.ss_item_sk = b.ss_item_sk WHERE a.ss_item_sk IN (1, 2, NULL)
SELECT ss_item_sk, count(*) FROM store_sales GROUP BY 1 HAVING count(*) > 0 ORDER BY 2 DESC, 1
SELECT lpad('x', 10), array_repeat(1, 3), range(1, 10, 2), concat('a', 1), 9223372036854775807 + 0, 1.0 / 3
SELECT ss_item_sk FROM streaming_store_sales WHERE ss_item_sk BETWEEN 1 AND 5 OR ss_item_sk IS NULL UNION SELECT 2
