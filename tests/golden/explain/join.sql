-- A LEFT interval join of two tables that are partitioned by its key, and a self join in WHERE.
CREATE TABLE orders (id BIGINT, customer STRING, price DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json', 'partitioned-by' = 'id',
    'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE payments (order_id BIGINT, amount DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json', 'partitioned-by' = 'order_id',
    'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE paid (id BIGINT, customer STRING, amount DECIMAL(10, 2), at_time TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'paid', 'format' = 'json', 'properties.bootstrap.servers' = 'localhost:9092');
CREATE TABLE pairs (a BIGINT, b BIGINT) WITH ('connector' = 'print');
INSERT INTO paid
SELECT o.id, o.customer, p.amount, p.ts FROM orders AS o LEFT JOIN payments AS p
  ON o.id = p.order_id AND p.ts BETWEEN o.ts AND o.ts + INTERVAL '1' HOUR AND p.amount >= o.price
WHERE o.customer IS NOT NULL;
INSERT INTO pairs
SELECT a.id, b.id FROM orders AS a, orders AS b
WHERE a.id = b.id AND a.ts > b.ts AND a.ts <= b.ts + INTERVAL '10' MINUTE;
