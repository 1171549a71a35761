-- From the order to its delivery per carrier, in seconds of event time.
SELECT
  shipment.carrier AS carrier,
  count(*) AS delivered,
  round(avg(shipment.weight_kg), 2) AS mean_kg,
  round(avg(delivered.at_ms - placed.at_ms) / 1000, 2) AS mean_seconds,
  max(delivered.at_ms - placed.at_ms) AS longest_ms
FROM events AS shipment
JOIN events AS placed
  ON placed.kind = 'orders' AND placed.status = 'placed' AND placed.order_id = shipment.order_id
JOIN events AS delivered
  ON delivered.kind = 'orders' AND delivered.status = 'delivered' AND delivered.order_id = shipment.order_id
WHERE shipment.kind = 'shipments'
GROUP BY 1
ORDER BY delivered DESC, carrier
