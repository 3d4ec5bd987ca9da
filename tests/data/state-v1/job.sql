CREATE TABLE orders (
  id BIGINT, country STRING, amount DECIMAL(10, 2), weight DOUBLE, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = 'h:1', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset');
CREATE TABLE payments (
  order_id BIGINT, paid DECIMAL(10, 2), ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'payments', 'properties.bootstrap.servers' = 'h:1', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset');
CREATE TABLE minutes (country STRING, window_start TIMESTAMP(3), n BIGINT NOT NULL, ids BIGINT NOT NULL,
  amount DECIMAL(38, 2), low DECIMAL(10, 2), heavy DOUBLE, mean DOUBLE)
  WITH ('connector' = 'kafka', 'topic' = 'minutes', 'properties.bootstrap.servers' = 'h:1', 'format' = 'json');
CREATE TABLE hops (window_start TIMESTAMP(3), n BIGINT NOT NULL)
  WITH ('connector' = 'kafka', 'topic' = 'hops', 'properties.bootstrap.servers' = 'h:1', 'format' = 'json');
CREATE TABLE sessions (country STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3), n BIGINT NOT NULL)
  WITH ('connector' = 'kafka', 'topic' = 'sessions', 'properties.bootstrap.servers' = 'h:1', 'format' = 'json');
CREATE TABLE paid (id BIGINT, amount DECIMAL(10, 2), paid DECIMAL(10, 2))
  WITH ('connector' = 'kafka', 'topic' = 'paid', 'properties.bootstrap.servers' = 'h:1', 'format' = 'json');

INSERT INTO minutes
SELECT country, window_start, COUNT(*), COUNT(DISTINCT id), SUM(amount), MIN(amount), MAX(weight), AVG(weight)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY country, window_start, window_end;
INSERT INTO hops
SELECT window_start, COUNT(*) FROM TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
INSERT INTO sessions
SELECT country, window_start, window_end, COUNT(*)
FROM TABLE(SESSION(TABLE orders PARTITION BY country, DESCRIPTOR(ts), INTERVAL '30' SECOND))
GROUP BY country, window_start, window_end;
INSERT INTO paid
SELECT o.id, o.amount, p.paid FROM orders AS o INNER JOIN payments AS p
ON o.id = p.order_id AND p.ts BETWEEN o.ts AND o.ts + INTERVAL '1' MINUTE;
CREATE TABLE firsts (country STRING, id BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'firsts', 'properties.bootstrap.servers' = 'h:1', 'format' = 'json');
SET 'table.exec.state.ttl' = '2 min';
INSERT INTO firsts
SELECT country, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY country ORDER BY ts) AS n FROM orders) WHERE n = 1;
