CREATE TABLE orders (
  id BIGINT, customer STRING, price DECIMAL(10, 2), created TIMESTAMP(3), ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json',
  'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE payments (
  id BIGINT, order_id BIGINT, way STRING, created TIMESTAMP(3), ts TIMESTAMP(3), paid TIMESTAMP_LTZ(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json',
  'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE refunds (
  order_id BIGINT, paid TIMESTAMP_LTZ(3), WATERMARK FOR paid AS paid
) WITH ('connector' = 'kafka', 'topic' = 'refunds', 'format' = 'json',
  'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE both_times (o TIMESTAMP(3), p TIMESTAMP(3)) WITH ('connector' = 'print');
SELECT o.id FROM orders o JOIN payments p
  ON id = order_id AND o.ts BETWEEN p.ts - INTERVAL '1' HOUR AND p.ts;
