-- Pass-through: what decoding a record and committing its offset costs.
CREATE TABLE bids (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  date_time TIMESTAMP(3), extra STRING,
  WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_TOPIC}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE nowhere (auction BIGINT, bidder BIGINT, price BIGINT, date_time TIMESTAMP(3)) WITH ('connector' = 'blackhole');
INSERT INTO nowhere
SELECT auction, bidder, price, date_time FROM bids;
