-- How far orders got: their last status, how many there are, and what they are worth.
SELECT status, count(*) AS orders, round(sum(total), 2) AS worth
FROM (
  SELECT
    order_id,
    total,
    CASE
      WHEN max(CASE WHEN status = 'delivered' THEN 1 ELSE 0 END) = 1 THEN 'delivered'
      WHEN max(CASE WHEN status = 'shipped' THEN 1 ELSE 0 END) = 1 THEN 'shipped'
      WHEN max(CASE WHEN status = 'paid' THEN 1 ELSE 0 END) = 1 THEN 'paid'
      ELSE 'placed'
    END AS status
  FROM events
  WHERE kind = 'orders'
  GROUP BY 1, 2
) AS furthest
GROUP BY 1
ORDER BY orders DESC, status
