-- One statement a line, over `orders` and `customers`.

-- rows, arrays and maps of the documents
SELECT order_id, customer.name, customer.address.city FROM orders ORDER BY order_id
SELECT o.customer.address.country, count(*) FROM orders o GROUP BY o.customer.address.country ORDER BY 2 DESC, 1
SELECT order_id, lines[1].sku FROM orders WHERE cardinality(lines) > 0 ORDER BY order_id
SELECT order_id, lines[1].sku AS first_sku, element_at(lines, 2).sku, element_at(lines, -1).qty FROM orders WHERE cardinality(lines) >= 1 ORDER BY order_id LIMIT 5
SELECT order_id, lines[9].sku FROM orders
SELECT order_id, lines[0].sku FROM orders
SELECT order_id, element_at(lines, 9).sku FROM orders ORDER BY 1
SELECT order_id, element_at(lines, 0) FROM orders
SELECT order_id, cardinality(lines) FROM orders ORDER BY order_id
SELECT order_id, attributes['channel'] FROM orders WHERE attributes IS NOT NULL ORDER BY order_id
SELECT order_id, attributes['coupon'] FROM orders
SELECT order_id, element_at(attributes, 'coupon') FROM orders ORDER BY order_id
SELECT order_id, map_keys(attributes), map_values(attributes), cardinality(attributes) FROM orders ORDER BY order_id
SELECT order_id, element_at(attributes, 'gift'), element_at(scores, 'care') FROM orders ORDER BY order_id
SELECT order_id, lines FROM orders ORDER BY order_id LIMIT 12
SELECT order_id, customer FROM orders ORDER BY order_id
SELECT * FROM customers ORDER BY id
SELECT order_id, contains(customer.tags, 'eu') FROM orders ORDER BY order_id
SELECT order_id FROM orders WHERE contains(transform(lines, l -> l.sku), 'B-1') ORDER BY order_id
SELECT ROW(1, 'a'), CAST(ROW(1, 'a') AS ROW(x integer, y varchar))
SELECT CAST(ROW(1, 'a') AS ROW(x integer, y varchar)).y
SELECT r[1], r[2] FROM (VALUES ROW(ROW(1, 'a')), ROW(ROW(2, 'b'))) AS t(r) ORDER BY 1
SELECT ARRAY[1, 2, 3], ARRAY['a', NULL], ARRAY[]
SELECT MAP(ARRAY['a', 'b'], ARRAY[1, 2])['b'], MAP()
SELECT MAP(ARRAY['a', 'a'], ARRAY[1, 2])
SELECT MAP(ARRAY['a', 'b'], ARRAY[1])
SELECT ARRAY[1, 2] || ARRAY[3], ARRAY[1] || 2, 0 || ARRAY[1]
SELECT ARRAY[1, 2] = ARRAY[1, 2], ARRAY[1, 2] < ARRAY[1, 3], ROW(1, 'a') = ROW(1, 'b')
SELECT customer.nosuch FROM orders
SELECT lines.sku FROM orders

-- unnest
SELECT o.order_id, l.sku, l.qty FROM orders o CROSS JOIN UNNEST(o.lines) AS l(sku, qty, price, discounts) ORDER BY 1, 2, 3
SELECT order_id, sku, qty * price AS total FROM orders CROSS JOIN UNNEST(lines) AS t(sku, qty, price, discounts) ORDER BY order_id, sku, qty
SELECT sku, sum(qty) AS sold, count(DISTINCT order_id) FROM orders, UNNEST(lines) AS t(sku, qty, price, discounts) GROUP BY sku ORDER BY sold DESC, sku
SELECT order_id, n, sku FROM orders CROSS JOIN UNNEST(lines) WITH ORDINALITY AS t(sku, qty, price, discounts, n) ORDER BY order_id, n
SELECT order_id, k, v FROM orders CROSS JOIN UNNEST(attributes) AS t(k, v) ORDER BY order_id, k
SELECT order_id, k, v, n FROM orders CROSS JOIN UNNEST(scores) WITH ORDINALITY AS t(k, v, n) ORDER BY order_id, k
SELECT order_id, tag FROM orders CROSS JOIN UNNEST(customer.tags) AS t(tag) ORDER BY 1, 2
SELECT order_id, tag FROM orders LEFT JOIN UNNEST(customer.tags) AS t(tag) ON TRUE ORDER BY 1, 2
SELECT order_id, sku FROM orders LEFT JOIN UNNEST(lines) AS t(sku, qty, price, discounts) ON TRUE ORDER BY 1, 2
SELECT x, y FROM UNNEST(ARRAY[1, 2, 3], ARRAY['a', 'b']) AS t(x, y) ORDER BY x
SELECT * FROM UNNEST(ARRAY[10, 20]) WITH ORDINALITY ORDER BY 1
SELECT * FROM UNNEST(MAP(ARRAY['a', 'b'], ARRAY[1, 2])) AS t(k, v) ORDER BY k
SELECT n FROM UNNEST(sequence(1, 5)) AS t(n)
SELECT d FROM UNNEST(sequence(DATE '2026-01-30', DATE '2026-02-02', INTERVAL '1' DAY)) AS t(d) ORDER BY d
SELECT d FROM UNNEST(sequence(DATE '2026-01-31', DATE '2026-04-30', INTERVAL '1' MONTH)) AS t(d) ORDER BY d
SELECT order_id, sku, d FROM orders CROSS JOIN UNNEST(lines) AS l(sku, qty, price, discounts) CROSS JOIN UNNEST(discounts) AS t(d) ORDER BY 1, 2, 3
SELECT o.order_id, l.sku, c.level FROM orders o CROSS JOIN UNNEST(o.lines) AS l(sku, qty, price, discounts) JOIN customers c ON c.id = o.customer.id WHERE l.qty > 5 ORDER BY 1, 2, 3
SELECT x FROM UNNEST(ARRAY[3, 1, 2]) AS t(x) WHERE x > 1 ORDER BY x
SELECT a, b FROM (VALUES (1, ARRAY[10, 20]), (2, ARRAY[30])) AS t(a, bs) CROSS JOIN UNNEST(bs) AS u(b) ORDER BY a, b
SELECT t.x.y FROM UNNEST(ARRAY[CAST(ROW(1) AS ROW(y integer))]) AS t(x)
SELECT count(*) FROM orders CROSS JOIN UNNEST(lines) AS t(a, b)
SELECT sku FROM orders CROSS JOIN UNNEST(order_id) AS t(sku)
SELECT order_id, lines.sku FROM orders CROSS JOIN UNNEST(lines) AS lines(sku, qty, price, discounts) ORDER BY 1, 2
SELECT s.sku, max(s.total) FROM (SELECT sku, qty * price AS total FROM orders CROSS JOIN UNNEST(lines) AS l(sku, qty, price, discounts)) s GROUP BY s.sku ORDER BY 1
WITH sold AS (SELECT customer.name AS name, l.sku, l.qty FROM orders CROSS JOIN UNNEST(lines) AS l(sku, qty, price, discounts)) SELECT name, sku, sum(qty) FROM sold GROUP BY name, sku ORDER BY name NULLS FIRST, sku
SELECT o.*, u.n FROM (VALUES (1, 'x')) AS o(a, b) CROSS JOIN UNNEST(ARRAY[7, 8]) AS u(n) ORDER BY n

-- lambdas
SELECT order_id, transform(lines, l -> l.qty) FROM orders ORDER BY order_id
SELECT order_id, transform(lines, l -> l.qty * l.price) FROM orders ORDER BY order_id
SELECT order_id, filter(lines, l -> l.qty > 3) FROM orders ORDER BY order_id
SELECT order_id, reduce(lines, 0, (s, l) -> s + l.qty, s -> s) FROM orders ORDER BY order_id
SELECT order_id, reduce(lines, CAST(0 AS double), (s, l) -> s + l.qty * l.price, s -> s) FROM orders ORDER BY order_id
SELECT reduce(ARRAY[5, 20, 50], CAST(ROW(0.0, 0) AS ROW(sum double, count integer)), (s, x) -> CAST(ROW(x + s.sum, s.count + 1) AS ROW(sum double, count integer)), s -> IF(s.count = 0, NULL, s.sum / s.count))
SELECT reduce(ARRAY['a', 'b', 'c'], '', (s, x) -> s || x, s -> upper(s))
SELECT order_id, any_match(lines, l -> l.sku = 'A-1'), all_match(lines, l -> l.qty > 0), none_match(lines, l -> l.qty > 6) FROM orders ORDER BY order_id
SELECT any_match(ARRAY[1, NULL], x -> x > 1), all_match(ARRAY[], x -> true), none_match(ARRAY[1, NULL], x -> x > 1)
SELECT order_id, transform(customer.tags, t -> upper(t) || '-' || status) FROM orders ORDER BY order_id
SELECT transform_values(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v * 10), transform_keys(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> k || CAST(v AS varchar))
SELECT map_filter(MAP(ARRAY['a', 'b', 'c'], ARRAY[1, 2, 3]), (k, v) -> v > 1)
SELECT zip_with(ARRAY[1, 2, 3], ARRAY[10, 20, 30], (x, y) -> x + y)
SELECT map_zip_with(MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['a'], ARRAY[5]), (k, v1, v2) -> v1 + v2)
SELECT array_sort(ARRAY[3, 1, 2], (x, y) -> IF(x < y, 1, IF(x = y, 0, -1)))
SELECT filter(ARRAY[1, NULL, 3], x -> x IS NOT NULL), transform(ARRAY[1, 2], x -> ARRAY[x, x * 2])
SELECT transform(ARRAY[ARRAY[1, 2], ARRAY[3]], a -> reduce(a, 0, (s, x) -> s + x, s -> s))
SELECT order_id FROM orders WHERE any_match(lines, l -> l.qty >= 6 AND l.price > 5) ORDER BY order_id
SELECT transform(ARRAY[1], x -> y)
SELECT order_id, cardinality(filter(lines, l -> l.price > o.rate)) FROM orders o ORDER BY 1

-- functions of arrays and maps
SELECT array_distinct(ARRAY[1, 2, 2, NULL, NULL]), array_sort(ARRAY[3, NULL, 1]), reverse(ARRAY[1, 2, 3])
SELECT array_join(ARRAY[1, NULL, 3], ','), array_join(ARRAY['a', NULL], '-', '?')
SELECT array_max(ARRAY[1, 5, 3]), array_min(ARRAY[2, 1]), array_max(ARRAY[1, NULL]), array_position(ARRAY['a', 'b'], 'b'), array_position(ARRAY[1], 7)
SELECT array_remove(ARRAY[1, 2, 1], 1), array_union(ARRAY[1, 2], ARRAY[2, 3]), array_intersect(ARRAY[1, 2], ARRAY[2, 3]), array_except(ARRAY[1, 2], ARRAY[2])
SELECT arrays_overlap(ARRAY[1, 2], ARRAY[2]), arrays_overlap(ARRAY[1], ARRAY[NULL, 2])
SELECT flatten(ARRAY[ARRAY[1, 2], ARRAY[3]]), slice(ARRAY[1, 2, 3, 4], 2, 2), slice(ARRAY[1, 2, 3], -2, 2), trim_array(ARRAY[1, 2, 3], 1)
SELECT zip(ARRAY[1, 2], ARRAY['a', 'b', 'c'])
SELECT sequence(1, 10, 3), sequence(5, 1), repeat('x', 3), sequence(1, 0, -1)
SELECT cardinality(sequence(1, 10001))
SELECT ngrams(ARRAY['a', 'b', 'c'], 2), combinations(ARRAY[1, 2, 3], 2)
SELECT shuffle(ARRAY[1])
SELECT concat(ARRAY[1], ARRAY[2], ARRAY[3]), concat('a', 'b', 'c')
SELECT map_concat(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), MAP(ARRAY['b', 'c'], ARRAY[5, 6]))
SELECT map_entries(MAP(ARRAY['a', 'b'], ARRAY[1, 2])), map_from_entries(ARRAY[ROW('x', 1), ROW('y', 2)])
SELECT multimap_from_entries(ARRAY[ROW('x', 1), ROW('x', 2)])
SELECT split_to_map('a=1;b=2', ';', '='), split('a,b,,c', ','), split('a,b,c', ',', 2), split_part('a/b/c', '/', 2), split_part('a', '/', 3)
SELECT contains(ARRAY[1, NULL], 2), contains(ARRAY[1, 2], NULL), cardinality(NULL)
SELECT array_sum(ARRAY[1, 2])
SELECT all_match(lines, 1) FROM orders

-- JSON
SELECT order_id, json_extract_scalar(note, '$.text'), json_extract_scalar(note, '$.size') FROM orders ORDER BY order_id
SELECT order_id, json_extract(note, '$.flags'), json_extract(note, '$.deep.a') FROM orders ORDER BY order_id LIMIT 10
SELECT order_id, json_extract_scalar(note, '$.deep.a.b'), json_extract_scalar(note, '$.deep'), json_extract_scalar(note, '$.none'), json_extract_scalar(note, '$.nosuch') FROM orders ORDER BY order_id LIMIT 10
SELECT json_extract_scalar(note, '$.flags[0]'), json_extract_scalar(note, '$["text"]'), json_extract_scalar(note, '$.flags[1]') FROM orders ORDER BY order_id LIMIT 7
SELECT json_array_length(json_extract(note, '$.flags')), json_size(note, '$.deep'), json_size(note, '$.flags'), json_size(note, '$.text') FROM orders ORDER BY order_id LIMIT 7
SELECT json_parse('{"b": 1, "a": [1, 2.50, "x", null, true]}'), json_format(json_parse('{"a" : 1}')), json '[1,2]'
SELECT json_parse('not json')
SELECT json_extract('not json', '$.a')
SELECT json_extract_scalar('{"a":1', '$.a')
SELECT json_extract_scalar('{"a":1}', 'bad path[')
SELECT CAST(json_parse(note) AS MAP(varchar, json))['size'] FROM orders WHERE order_id = 1001
SELECT CAST(json_extract(note, '$.flags') AS ARRAY(varchar)) FROM orders ORDER BY order_id LIMIT 7
SELECT CAST(json_extract(note, '$.size') AS integer), CAST(json_extract(note, '$.ratio') AS double), CAST(json_extract(note, '$.ok') AS boolean) FROM orders ORDER BY order_id LIMIT 7
SELECT CAST(json_parse('{"x": 1, "y": "b"}') AS ROW(x integer, y varchar))
SELECT CAST(json_parse('[1, 2, null]') AS ARRAY(bigint)), CAST(json_parse('{"k": 1.5}') AS MAP(varchar, double))
SELECT CAST(MAP(ARRAY['a'], ARRAY[1]) AS JSON), CAST(ARRAY[1, 2] AS JSON), CAST('x' AS JSON), CAST(1.5 AS JSON), CAST(true AS JSON), CAST(NULL AS JSON)
SELECT json_format(CAST(customer AS JSON)) FROM orders ORDER BY order_id LIMIT 3
SELECT json_format(CAST(lines AS JSON)) FROM orders ORDER BY order_id LIMIT 4
SELECT CAST(json '"text"' AS varchar), CAST(json '12' AS bigint), CAST(json '12' AS varchar), json_format(json '"text"')
SELECT CAST(json '"abc"' AS bigint)
SELECT json_array_contains('[1, 2, 3]', 2), json_array_contains('["a"]', 'a'), json_array_get('["a", "b"]', 1), json_array_get('[1]', 5), is_json_scalar('1'), is_json_scalar('[1]')
SELECT json_value('{"a": {"b": "x"}}', 'lax $.a.b'), json_exists('{"a": 1}', 'lax $.a'), json_query('{"a": [1, 2]}', 'lax $.a')
SELECT customer.name, json_object('id' : order_id) FROM orders ORDER BY order_id LIMIT 2
SELECT order_id, j.k, j.v FROM orders CROSS JOIN UNNEST(CAST(json_parse(note) AS MAP(varchar, json))) AS j(k, v) WHERE order_id < 1003 ORDER BY 1, 2
SELECT json_parse(note) = json_parse(note) FROM orders WHERE order_id = 1001
SELECT json_extract(note, '$.text') || 'x' FROM orders

-- dates and times
SELECT order_id, placed, day, date(placed), CAST(placed AS date) FROM orders ORDER BY order_id LIMIT 5
SELECT date_trunc('month', placed), date_trunc('week', day), date_trunc('quarter', day), date_trunc('hour', placed) FROM orders ORDER BY order_id LIMIT 6
SELECT date_trunc('year', DATE '2026-05-06'), date_trunc('day', TIMESTAMP '2026-05-06 10:11:12.345'), date_trunc('minute', TIMESTAMP '2026-05-06 10:11:12.345')
SELECT date_add('day', 3, day), date_add('month', 1, DATE '2026-01-31'), date_add('hour', -5, TIMESTAMP '2026-01-01 02:00:00') FROM orders ORDER BY order_id LIMIT 2
SELECT date_diff('day', DATE '2026-01-01', DATE '2026-03-01'), date_diff('month', DATE '2026-01-31', DATE '2026-02-28'), date_diff('hour', TIMESTAMP '2026-01-01 00:00:00', TIMESTAMP '2026-01-02 03:30:00'), date_diff('year', DATE '2020-06-01', DATE '2026-05-31'), date_diff('week', DATE '2026-01-01', DATE '2026-01-20'), date_diff('second', TIMESTAMP '2026-01-01 00:00:05', TIMESTAMP '2026-01-01 00:00:00')
SELECT date_parse('2026-03-04 05:06:07', '%Y-%m-%d %H:%i:%s'), date_parse('04/Mar/2026', '%d/%b/%Y'), date_format(TIMESTAMP '2026-03-04 15:06:07', '%W %M %e %Y %h:%i %p'), date_format(TIMESTAMP '2026-03-04 05:06:07.123', '%Y%m%d %H:%i:%s.%f')
SELECT date_parse('nonsense', '%Y-%m-%d')
SELECT from_iso8601_timestamp('2026-03-04T05:06:07Z'), from_iso8601_timestamp('2026-03-04T05:06:07.250+02:00'), from_iso8601_date('2026-03-04')
SELECT from_unixtime(1772600000), to_unixtime(TIMESTAMP '2026-03-04 05:06:07'), to_iso8601(DATE '2026-03-04'), to_iso8601(TIMESTAMP '2026-03-04 05:06:07.000')
SELECT from_unixtime(1772600000, 'Europe/Berlin'), TIMESTAMP '2026-03-04 05:06:07' AT TIME ZONE 'America/New_York', TIMESTAMP '2026-03-04 05:06:07 UTC'
SELECT year(day), month(day), day(day), quarter(day), week(day), day_of_week(day), day_of_year(day), year_of_week(day), dow(day), doy(day) FROM orders ORDER BY order_id LIMIT 6
SELECT hour(placed), minute(placed), second(placed), millisecond(placed), EXTRACT(year FROM placed), EXTRACT(dow FROM day) FROM orders ORDER BY order_id LIMIT 4
SELECT DATE '2026-01-31' + INTERVAL '1' MONTH, TIMESTAMP '2026-01-31 10:00:00' - INTERVAL '2' HOUR, DATE '2026-01-01' - INTERVAL '1' DAY, INTERVAL '2' DAY + INTERVAL '3' HOUR, INTERVAL '1' YEAR
SELECT TIMESTAMP '2026-01-02 00:00:00' - TIMESTAMP '2026-01-01 12:00:00', DATE '2026-01-02' - DATE '2026-01-01'
SELECT day, count(*) FROM orders WHERE day BETWEEN DATE '2026-02-01' AND DATE '2026-02-05' GROUP BY day ORDER BY day
SELECT order_id FROM orders WHERE placed >= TIMESTAMP '2026-02-01 00:00:00' AND placed < TIMESTAMP '2026-02-03 00:00:00' ORDER BY 1
SELECT order_id FROM orders WHERE day = '2026-02-01'
SELECT order_id FROM orders WHERE placed > DATE '2026-02-04' ORDER BY 1
SELECT CAST('2026-02-03' AS date), CAST('2026-02-03 04:05:06' AS timestamp), CAST(DATE '2026-02-03' AS timestamp), CAST(DATE '2026-02-03' AS varchar), CAST(TIMESTAMP '2026-02-03 04:05:06.000' AS varchar)
SELECT CAST(TIMESTAMP '2026-02-03 04:05:06' AS varchar)
SELECT CAST('2026-02-30' AS date)
SELECT TRY(CAST('nope' AS date)), TRY_CAST('2026-13-01' AS date), TRY_CAST('x' AS bigint), TRY_CAST('12' AS bigint)
SELECT last_day_of_month(DATE '2024-02-10'), day_of_month(DATE '2024-02-10'), human_readable_seconds(3661)
SELECT format_datetime(TIMESTAMP '2026-03-04 15:06:07', 'yyyy-MM-dd HH:mm'), parse_datetime('2026-03-04', 'yyyy-MM-dd')
SELECT current_date = CAST(now() AS date), now() > TIMESTAMP '2020-01-01 00:00:00 UTC', typeof(current_timestamp) LIKE 'timestamp%'
SELECT date_trunc('nonsense', day) FROM orders
SELECT day + 1 FROM orders
SELECT max(day), min(placed), max(placed) FROM orders
SELECT interval '3' day * 2, date '2026-01-01' + interval '1' week
SELECT AT_TIMEZONE(TIMESTAMP '2026-03-04 05:06:07 UTC', 'Europe/Berlin'), with_timezone(TIMESTAMP '2026-03-04 05:06:07', 'Asia/Tokyo')
SELECT TIMESTAMP '2026-03-04 05:06:07' = TIMESTAMP '2026-03-04 05:06:07.000', TIME '10:11:12'

-- aggregates
SELECT count(*), count(quantity), sum(quantity), avg(quantity), min(rate), max(rate), sum(amount), avg(amount) FROM orders
SELECT status, count(*), sum(amount), avg(amount) FROM orders GROUP BY status ORDER BY status
SELECT status, count(*) FROM orders GROUP BY 1 ORDER BY 1 DESC
SELECT count(DISTINCT status), approx_distinct(status), count(DISTINCT customer.id) FROM orders
SELECT count_if(paid), count(*) FILTER (WHERE paid), bool_and(paid), bool_or(paid), every(paid) FROM orders
SELECT max_by(order_id, amount), min_by(order_id, amount), max_by(order_id, amount, 3), min_by(status, rate) FROM orders
SELECT status, max_by(order_id, amount) FROM orders GROUP BY status ORDER BY 1
SELECT arbitrary(x), any_value(x) FROM (VALUES 7, 7) AS t(x)
SELECT array_agg(order_id ORDER BY order_id DESC), array_agg(DISTINCT status ORDER BY status) FROM orders WHERE order_id < 1010
SELECT status, array_agg(order_id ORDER BY order_id) FILTER (WHERE paid) FROM orders GROUP BY status ORDER BY status
SELECT map_agg(name, level) FROM customers WHERE id = 1
SELECT status, cardinality(map_agg(order_id, amount)), element_at(histogram(paid), true) FROM orders GROUP BY status ORDER BY status
SELECT element_at(histogram(status), 'new'), cardinality(histogram(status)) FROM orders
SELECT element_at(multimap_agg(level, id), 'gold') FROM customers
SELECT approx_percentile(order_id, 0.5), approx_percentile(small, 0.9) FROM orders
SELECT approx_percentile(order_id, ARRAY[0.25, 0.75]) FROM orders
SELECT round(stddev(rate), 6), round(variance(rate), 6), round(stddev_pop(rate), 6), round(var_pop(rate), 6), round(corr(rate, order_id), 6), round(covar_samp(rate, small), 6) FROM orders
SELECT round(skewness(rate), 6), round(kurtosis(rate), 6), round(geometric_mean(rate), 6), round(regr_slope(rate, small), 6), round(regr_intercept(rate, small), 6) FROM orders
SELECT listagg(name, ', ') WITHIN GROUP (ORDER BY name) FROM customers
SELECT level, listagg(name, '/') WITHIN GROUP (ORDER BY id DESC) FROM customers GROUP BY level ORDER BY level
SELECT max(order_id, 3), min(order_id, 2) FROM orders
SELECT bitwise_and_agg(small), bitwise_or_agg(small) FROM orders
SELECT checksum(order_id) IS NOT NULL FROM orders
SELECT status, paid, count(*) FROM orders GROUP BY ROLLUP (status, paid) ORDER BY 1, 2, 3
SELECT status, paid, count(*), grouping(status, paid) FROM orders GROUP BY CUBE (status, paid) ORDER BY 4, 1, 2
SELECT status, paid, sum(amount) FROM orders GROUP BY GROUPING SETS ((status), (paid), ()) ORDER BY 1, 2, 3
SELECT status FROM orders GROUP BY status HAVING count(*) > 5 ORDER BY status
SELECT status AS s, count(*) FROM orders GROUP BY s
SELECT status, order_id FROM orders GROUP BY status
SELECT status, count(*) AS n FROM orders GROUP BY status HAVING n > 1
SELECT sum(status) FROM orders
SELECT count(*) FROM orders WHERE count(*) > 1
SELECT sum(DISTINCT quantity), avg(DISTINCT quantity), sum(rate) FROM orders
SELECT sum(CAST(small AS real)) FROM orders
SELECT sum(small), avg(small), min(status), max(customer.name) FROM orders
SELECT reduce_agg(small, 0, (a, b) -> a + b, (a, b) -> a + b) FROM orders
SELECT set_agg(x) FROM (VALUES 1, 1) AS t(x)
SELECT array_agg(x) FROM (VALUES 1) AS t(x) WHERE x > 5
SELECT sum(x), count(x), max(x), avg(x) FROM (VALUES 1) AS t(x) WHERE x > 5
SELECT numeric_histogram(2, x) FROM (VALUES 1e0, 2e0, 10e0) AS t(x)
SELECT approx_most_frequent(3, status, 10) IS NOT NULL FROM orders
SELECT DISTINCT status FROM orders ORDER BY status NULLS FIRST
SELECT count(*) AS "Total Orders", SUM(amount) AS Revenue FROM orders

-- texts
SELECT length('Çelik'), upper('abc'), lower('ABC'), reverse('abc'), trim('  x '), ltrim(' x'), rtrim('x '), substr('hello', 2, 3), substring('hello', -3), strpos('hello', 'l'), position('l' IN 'hello')
SELECT substring('hello' FROM 2 FOR 2), trim(BOTH 'x' FROM 'xxaxx'), trim(LEADING FROM '  a'), substr('abc', 0), substr('abc', 5), strpos('a-b-c', '-', 2)
SELECT replace('a-b-c', '-', '+'), replace('abc', 'b'), lpad('7', 3, '0'), rpad('7', 3, 'ab'), lpad('abcdef', 3, 'x'), starts_with('hello', 'he'), chr(65), codepoint('A'), concat_ws('-', 'a', NULL, 'b')
SELECT regexp_like('1a 2b', '\d+b'), regexp_extract('1a 2b 14m', '\d+'), regexp_extract('1a 2b 14m', '(\d+)([a-z]+)', 2), regexp_extract_all('1a 2b 14m', '\d+'), regexp_replace('1a 2b 14m', '\d+[ab] ', 'x'), regexp_replace('1a 2b', '(\d+)([ab])', '$2$1'), regexp_replace('abc', 'b'), regexp_split('a1b22c', '\d+'), regexp_count('a1b22', '\d'), regexp_position('abc1', '\d')
SELECT regexp_extract('abc', 'x'), regexp_extract_all('abc', 'x'), regexp_extract('abc', '(')
SELECT 'a' || 'b' || CAST(1 AS varchar)
SELECT 'x' || NULL
SELECT 'a' || 1
SELECT name FROM customers WHERE name LIKE '%''%' OR name LIKE 'A__' ORDER BY 1
SELECT 'a_c' LIKE 'a\_c' ESCAPE '\', 'abc' NOT LIKE 'b%', 'A' LIKE 'a'
SELECT format('%s has %d items at %.2f', 'x', 3, 1.5e0), format('%05d|%-5s|%5s|%x|%,d', 42, 'a', 'b', 255, 1234567), format('%s %s', true, DATE '2026-01-02')
SELECT url_extract_host('https://example.com:8080/p/a?x=1&y=2#f'), url_extract_path('https://example.com/p/a?x=1'), url_extract_parameter('https://e.com/?x=1&y=2', 'y'), url_extract_protocol('https://e.com'), url_extract_port('https://e.com:81/'), url_extract_query('https://e.com/?a=b'), url_extract_fragment('https://e.com/#z'), url_encode('a b&c'), url_decode('a%20b%26c')
SELECT to_hex(to_utf8('abc')), from_utf8(from_hex('616263')), to_base64(to_utf8('abc')), from_utf8(from_base64('YWJj')), to_hex(md5(to_utf8('a'))), to_hex(sha256(to_utf8('a'))), to_hex(sha512(to_utf8('a'))), crc32(to_utf8('a'))
SELECT levenshtein_distance('kitten', 'sitting'), hamming_distance('abc', 'abd'), soundex('Robert'), translate('abcd', 'bd', 'x')
SELECT to_hex(sha1(to_utf8('a'))), xxhash64(to_utf8('a'))
SELECT normalize('é'), word_stem('running')
SELECT X'616263', to_utf8('abc'), from_utf8(X'616263')
SELECT 'a' < 'B', 'abc' < 'abd', 'Zoe' > 'adam', max(name) FROM customers
SELECT upper(name), length(name) FROM customers ORDER BY length(name) DESC, name
SELECT luhn_check('79927398713'), split('', ','), substr('Çelik', 2), index('abc', 'b')
SELECT lower(5)
SELECT length(order_id) FROM orders
SELECT char_length('abc'), bit_length('abc')
SELECT concat('a', NULL), concat('a')
SELECT U&'\0041bc', 'it''s'

-- numbers
SELECT 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7 / 2.0, 7e0 / 2, 1 / 3.00, 10.0 / 3
SELECT 1 / 0
SELECT 1e0 / 0, 0e0 / 0, -1e0 / 0, is_nan(nan()), infinity(), is_finite(1e0), is_infinite(1e0 / 0)
SELECT 5 % 0
SELECT 1.5 + 2.25, 1.5 * 2.25, 1.5 - 0.005, 2.5 + 1, 2.5 + 1e0, -1.5, 100.00 / 3
SELECT 2147483647 + 1
SELECT 2147483648 + 1, 9223372036854775807, CAST(1 AS bigint) + 1, CAST(1 AS smallint) + CAST(1 AS smallint), CAST(1 AS tinyint) * 2
SELECT 9223372036854775807 + 1
SELECT CAST(300 AS tinyint)
SELECT abs(-5), abs(-5.5), ceil(1.2), floor(-1.2), ceiling(1.5e0), round(2.5), round(-2.5), round(2.567, 2), round(2.5e0), truncate(2.567, 2), truncate(-2.5e0), sign(-3), mod(7, 3)
SELECT power(2, 10), sqrt(16), cbrt(27), exp(0), ln(1), log10(1000), log2(8), log(2, 8), pi(), e(), degrees(pi()), radians(180), sin(0), cos(0), tan(0), atan2(1, 1)
SELECT greatest(1, 5, 3), least(1.5, 2), greatest('a', 'b'), greatest(1, NULL), width_bucket(5.3e0, 0.2e0, 10.6e0, 5), from_base('ff', 16), to_base(255, 16)
SELECT bitwise_and(12, 10), bitwise_or(12, 10), bitwise_xor(12, 10), bitwise_not(5), bit_count(7, 64), bitwise_left_shift(1, 4), bitwise_right_shift(16, 2)
SELECT CAST(1.5 AS integer), CAST(2.5 AS integer), CAST(-1.5e0 AS bigint), CAST('12' AS integer), CAST(12 AS varchar), CAST(1.10 AS varchar), CAST(true AS varchar), CAST('true' AS boolean), CAST(1 AS boolean), CAST(1e0 AS varchar), CAST(0.1e0 AS varchar), CAST(1e10 AS varchar)
SELECT CAST('abc' AS integer)
SELECT CAST('1.5' AS integer)
SELECT CAST('1.5' AS double), CAST('1e3' AS double), CAST('1.55' AS decimal(10,1)), CAST(1.25 AS decimal(3,1)), CAST(123.45 AS decimal(5,2)), CAST(1 AS real), CAST('NaN' AS double)
SELECT CAST(12345.6 AS decimal(4,1))
SELECT amount * 2, amount / 3, amount + 1, amount * quantity, amount / quantity FROM orders WHERE quantity > 0 ORDER BY order_id LIMIT 6
SELECT quantity / 2, quantity * 1.0, rate * quantity, quantity + rate FROM orders ORDER BY order_id LIMIT 8
SELECT 1.0e0, 1e7, 1.5e-5, 123456789.125e0, REAL '1.5', 1e100, 0e0, -0e0
SELECT 0.1e0 + 0.2e0, 1e0 / 3, CAST(1 AS double) / 3, CAST(0.1e0 AS real)
SELECT random() < 1, random(10) < 10, rand() >= 0
SELECT 1 IN (1, 2), 3 NOT IN (1, 2), 1 IN (2, NULL), NULL IN (1)
SELECT DECIMAL '12.345', BIGINT '5', SMALLINT '5', DOUBLE '1.5', TINYINT '1'
SELECT normal_cdf(0, 1, 0)
SELECT 1 + 'a'
SELECT -'a'
SELECT 12 BETWEEN 10 AND 15, 1.5 BETWEEN 1 AND 2, 'b' BETWEEN 'a' AND 'c'

-- conditions
SELECT order_id, IF(paid, 'yes', 'no'), IF(quantity > 4, 'many') FROM orders ORDER BY order_id LIMIT 8
SELECT coalesce(quantity, -1), nullif(quantity, 3), CASE WHEN quantity > 5 THEN 'high' WHEN quantity > 2 THEN 'mid' ELSE 'low' END, CASE status WHEN 'new' THEN 1 WHEN 'paid' THEN 2 END FROM orders ORDER BY order_id LIMIT 9
SELECT try(1 / 0), coalesce(try(1 / 0), 7), try(CAST('x' AS integer)), try(lines[9].sku) FROM orders LIMIT 1
SELECT NULL IS NULL, NULL = NULL, 1 IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL, NOT NULL, true AND NULL, false AND NULL, true OR NULL
SELECT typeof('a'), typeof(ROW(1, 'a'))
SELECT typeof(1), typeof(1.5), typeof(ARRAY[1]), typeof(now() - now()), typeof(customer) FROM orders LIMIT 1
SELECT IF(true, 1, 'a')
SELECT CASE WHEN true THEN 1 ELSE 'a' END
SELECT coalesce(1, 'a')
SELECT order_id FROM orders WHERE quantity
SELECT order_id FROM orders WHERE order_id = '1001'
SELECT order_id FROM orders WHERE status IN (1, 2)
SELECT coalesce(1, 2.5), CASE WHEN true THEN 1 ELSE 2.5e0 END, IF(false, 1, 2147483648)
SELECT fail('no')

-- queries
SELECT order_id FROM orders ORDER BY quantity DESC, order_id LIMIT 10
SELECT order_id, quantity FROM orders ORDER BY quantity, order_id
SELECT order_id, quantity FROM orders ORDER BY quantity NULLS FIRST, order_id DESC LIMIT 6
SELECT order_id FROM orders ORDER BY order_id OFFSET 3 LIMIT 4
SELECT order_id FROM orders ORDER BY order_id FETCH FIRST 2 ROWS ONLY
SELECT c.name, count(o.order_id) FROM customers c LEFT JOIN orders o ON o.customer.id = c.id GROUP BY c.name ORDER BY c.name
SELECT o.order_id, c.name FROM orders o JOIN customers c ON o.customer.id = c.id AND c.level = 'gold' ORDER BY 1
SELECT c.name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer.id = c.id AND o.amount > 300) ORDER BY 1
SELECT name FROM customers WHERE id IN (SELECT customer.id FROM orders WHERE paid) ORDER BY 1
SELECT name FROM customers WHERE id NOT IN (SELECT customer.id FROM orders WHERE customer IS NOT NULL) ORDER BY 1
SELECT c.name, (SELECT max(o.amount) FROM orders o WHERE o.customer.id = c.id) FROM customers c ORDER BY 1
SELECT (SELECT order_id FROM orders)
SELECT id FROM customers UNION SELECT quantity FROM orders ORDER BY 1
SELECT id FROM customers UNION ALL SELECT 1.5 ORDER BY 1
SELECT id FROM customers INTERSECT SELECT quantity FROM orders ORDER BY 1
SELECT id FROM customers EXCEPT SELECT quantity FROM orders ORDER BY 1
SELECT id FROM customers UNION SELECT name FROM customers
SELECT id FROM customers UNION SELECT id, name FROM customers
WITH RECURSIVE t(n) AS (VALUES 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t ORDER BY n
WITH RECURSIVE t(n, f) AS (SELECT 1, 1 UNION ALL SELECT n + 1, f * (n + 1) FROM t WHERE n < 6) SELECT * FROM t ORDER BY n
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b
VALUES (1, 'a'), (2, 'b')
VALUES 1, 2, 3
SELECT x, x, x + 1, x + 1 FROM (VALUES 1) AS t(x)
SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS t(n, s) ORDER BY n
SELECT a.id, b.id FROM customers a JOIN customers b ON a.id < b.id WHERE b.id = 3 ORDER BY 1
SELECT id FROM customers a JOIN customers b USING (id) ORDER BY id
SELECT * FROM customers a JOIN customers b USING (id) ORDER BY id LIMIT 2
SELECT name FROM customers a, customers b
SELECT Name, LEVEL FROM Customers WHERE ID = 1
SELECT "name", "ID" FROM "customers" WHERE "Id" = 2
SELECT nosuch FROM orders
SELECT * FROM nosuch
SELECT * FROM nowhere.orders
SELECT FROM orders
SELECT order_id FROM orders LIMIT x
SELECT order_id orders WHERE
SELECT nosuch(order_id) FROM orders
SELECT geo_distance(1)
SELECT `order_id` FROM orders
SELECT order_id::varchar FROM orders
SELECT count(*) FROM orders TABLESAMPLE BERNOULLI (100)
SELECT count(*) FROM orders TABLESAMPLE BERNOULLI (0)
SELECT count(*) FROM orders o TABLESAMPLE SYSTEM (100) WHERE o.paid
SELECT t.* FROM (SELECT 1 AS a, 2 AS b) t
SELECT DISTINCT customer.address.country, status FROM orders WHERE customer IS NOT NULL ORDER BY 1, 2
SELECT order_id AS n FROM orders WHERE n > 1
SELECT * FROM customers CROSS JOIN LATERAL (SELECT customers.id + 1 AS next) ORDER BY id
SELECT a.name FROM customers a WHERE a.id = (SELECT min(id) FROM customers)
SELECT count(*) FROM (SELECT order_id FROM orders WHERE order_id > 1010) WHERE order_id < 1020
SELECT order_id FROM orders WHERE (status, paid) IN (('new', true), ('paid', false)) ORDER BY 1
SELECT id AS "Mixed Case", name AS Plain FROM customers ORDER BY "Mixed Case" LIMIT 1
SELECT 1 AS a, 2 AS a
SELECT s FROM (SELECT 1 AS s, 2 AS s)
SELECT t.x FROM (VALUES 1) AS u(x)
SELECT * FROM (VALUES 1, 2) AS t(a, b)
SELECT order_id FROM orders WHERE paid = true AND NOT paid IS NULL AND order_id NOT BETWEEN 1005 AND 1025 ORDER BY order_id
TABLE customers
SELECT max(n) FROM (SELECT count(*) AS n FROM orders GROUP BY customer.id)

-- windows
SELECT order_id, row_number() OVER (ORDER BY amount DESC) FROM orders ORDER BY 1 LIMIT 5
SELECT order_id, rank() OVER (PARTITION BY status ORDER BY quantity), dense_rank() OVER (PARTITION BY status ORDER BY quantity) FROM orders ORDER BY 1
SELECT order_id, sum(amount) OVER (ORDER BY order_id), avg(quantity) OVER (ORDER BY order_id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders ORDER BY 1
SELECT order_id, lag(order_id) OVER (ORDER BY order_id), lead(order_id, 2, 0) OVER (ORDER BY order_id), first_value(order_id) OVER (ORDER BY order_id), last_value(order_id) OVER (ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), nth_value(order_id, 2) OVER (ORDER BY order_id) FROM orders ORDER BY 1 LIMIT 5
SELECT order_id, ntile(4) OVER (ORDER BY order_id), percent_rank() OVER (ORDER BY order_id), cume_dist() OVER (ORDER BY order_id) FROM orders ORDER BY 1 LIMIT 5
SELECT order_id, lag(quantity) IGNORE NULLS OVER (ORDER BY order_id) FROM orders ORDER BY 1 LIMIT 10
SELECT order_id, count(*) OVER w, sum(amount) OVER w FROM orders WINDOW w AS (PARTITION BY status) ORDER BY 1 LIMIT 5
SELECT * FROM (SELECT order_id, status, row_number() OVER (PARTITION BY status ORDER BY amount DESC) AS rn FROM orders) WHERE rn = 1 ORDER BY order_id
SELECT status, sum(count(*)) OVER () FROM orders GROUP BY status ORDER BY 1
SELECT order_id, sum(quantity) OVER (ORDER BY day RANGE BETWEEN INTERVAL '2' DAY PRECEDING AND CURRENT ROW) FROM orders ORDER BY 1 LIMIT 6
SELECT order_id FROM orders WHERE row_number() OVER (ORDER BY order_id) = 1
SELECT order_id, array_agg(order_id) OVER (ORDER BY order_id ROWS 1 PRECEDING) FROM orders ORDER BY 1 LIMIT 3
SELECT order_id, max(amount) OVER (PARTITION BY customer.id) - amount FROM orders ORDER BY 1 LIMIT 4
SELECT order_id, count(*) FILTER (WHERE paid) OVER (ORDER BY order_id) FROM orders ORDER BY 1 LIMIT 6
SELECT rank() FROM orders
