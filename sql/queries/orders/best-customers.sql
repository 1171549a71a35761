-- The ten customers that paid most, with how they paid most often.
SELECT
  customer.customer_id AS customer,
  customer.name AS name,
  customer.segment AS segment,
  count(*) AS payments,
  sum(CASE WHEN payment.method = 'card' THEN 1 ELSE 0 END) AS by_card,
  round(sum(payment.amount), 2) AS paid
FROM events AS payment
JOIN events AS customer ON customer.kind = 'customers' AND customer.customer_id = payment.customer_id
WHERE payment.kind = 'payments'
GROUP BY 1, 2, 3
ORDER BY paid DESC NULLS LAST, customer
LIMIT 10
