-- Kafka to Kafka through an exchange: what a second stage adds to the time a row takes (bench/commits --exchange).
-- Every row is joined with itself: it comes out at once.
SET 'parallelism.default' = '4';
CREATE TABLE bids (
  sent_us BIGINT, auction BIGINT, bidder BIGINT, price BIGINT, date_time TIMESTAMP(3),
  sent AS TO_TIMESTAMP_LTZ(sent_us / 1000, 3), WATERMARK FOR sent AS sent - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_TOPIC}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE exchanged (
  sent_us BIGINT, auction BIGINT, bidder BIGINT, price BIGINT, date_time TIMESTAMP(3)
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_OUT}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}', 'format' = 'json'
);
INSERT INTO exchanged
SELECT a.sent_us, a.auction, a.bidder, a.price, a.date_time
FROM bids AS a JOIN bids AS b ON a.sent_us = b.sent_us AND a.auction = b.auction AND a.bidder = b.bidder
  AND a.price = b.price AND a.sent BETWEEN b.sent AND b.sent;
