-- Sessions of each bidder with a gap of 10 s: Nexmark's query 11 in event time.
CREATE TABLE bids (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  date_time TIMESTAMP(3), extra STRING,
  WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_TOPIC}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE nowhere (bidder BIGINT, window_end TIMESTAMP(3), bids BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere
SELECT bidder, window_end, COUNT(*)
FROM TABLE(SESSION(TABLE bids PARTITION BY bidder, DESCRIPTOR(date_time), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;
