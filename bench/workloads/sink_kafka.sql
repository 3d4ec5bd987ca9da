-- The whole bid, decoded, encoded and written to a topic: against sink_blackhole, what a sink costs.
CREATE TABLE bids (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  date_time TIMESTAMP(3), extra STRING,
  WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_TOPIC}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE copies (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  date_time TIMESTAMP(3), extra STRING
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_SINK}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}', 'format' = 'json'
);
INSERT INTO copies
SELECT auction, bidder, price, channel, url, date_time, extra FROM bids;
