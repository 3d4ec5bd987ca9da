-- Bids of a bidder on an auction that outbid an earlier one of the same within 10 s: a table joined with itself.
CREATE TABLE bids (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  date_time TIMESTAMP(3), extra STRING,
  WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_TOPIC}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE nowhere (auction BIGINT, bidder BIGINT, price BIGINT, before BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere
SELECT b.auction, b.bidder, b.price, a.price
FROM bids AS b JOIN bids AS a
  ON a.auction = b.auction AND a.bidder = b.bidder AND a.price < b.price
  AND a.date_time BETWEEN b.date_time - INTERVAL '10' SECOND AND b.date_time;
