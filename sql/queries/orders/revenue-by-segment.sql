-- Orders per segment of customers, and what of them is paid.
SELECT
  customer.segment AS segment,
  count(*) AS orders,
  count(payment.payment_id) AS paid_orders,
  round(sum(placed.total), 2) AS ordered,
  round(sum(payment.amount), 2) AS paid
FROM events AS placed
JOIN events AS customer ON customer.kind = 'customers' AND customer.customer_id = placed.customer_id
LEFT JOIN events AS payment ON payment.kind = 'payments' AND payment.order_id = placed.order_id
WHERE placed.kind = 'orders' AND placed.status = 'placed'
GROUP BY 1
ORDER BY paid DESC NULLS LAST, segment
