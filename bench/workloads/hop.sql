-- Bids per auction in windows of 10 s every 2 s: the inner part of Nexmark's query 5.
CREATE TABLE bids (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  date_time TIMESTAMP(3), extra STRING,
  WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_TOPIC}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE nowhere (auction BIGINT, window_end TIMESTAMP(3), bids BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere
SELECT auction, window_end, COUNT(*)
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(date_time), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
GROUP BY window_start, window_end, auction;
