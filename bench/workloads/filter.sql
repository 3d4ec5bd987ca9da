-- One bid in 123 or so: Nexmark's query 2.
CREATE TABLE bids (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  date_time TIMESTAMP(3), extra STRING,
  WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_TOPIC}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE nowhere (auction BIGINT, price BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere
SELECT auction, price FROM bids WHERE MOD(auction, 123) = 0;
