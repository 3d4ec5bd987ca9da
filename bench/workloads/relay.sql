-- Kafka to Kafka: what a commit costs in throughput and in time (bench/commits).
CREATE TABLE bids (
  sent_us BIGINT, auction BIGINT, bidder BIGINT, price BIGINT, date_time TIMESTAMP(3),
  WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_TOPIC}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE relayed (
  sent_us BIGINT, auction BIGINT, bidder BIGINT, price BIGINT, date_time TIMESTAMP(3)
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_OUT}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}', 'format' = 'json'
);
INSERT INTO relayed
SELECT sent_us, auction, bidder, price, date_time FROM bids;
