-- The twenty tickets that brought in the most.
SELECT
  ss_ticket_number AS ticket,
  count(*) AS items,
  sum(CAST(ss_net_paid_inc_tax AS decimal(18, 2))) AS paid
FROM streaming_store_sales
GROUP BY 1
ORDER BY paid DESC NULLS LAST, ticket
LIMIT 20
