CREATE TABLE bids (
  auction BIGINT, bidder BIGINT NOT NULL, price INT, channel STRING, item ROW<name STRING, kind INT>,
  ts TIMESTAMP(3), opened DATE,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json',
  'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE sums (auction BIGINT, total BIGINT, who VARCHAR(20)) WITH ('connector' = 'print');
CREATE VIEW extremes AS SELECT auction, ts FROM bids WHERE price > 5 UNION ALL SELECT auction, ts FROM bids WHERE price < 3;
SELECT COUNT(*) FROM TABLE(SESSION(TABLE extremes, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
