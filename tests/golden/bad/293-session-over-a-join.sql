CREATE TABLE bids (
  auction BIGINT, bidder BIGINT NOT NULL, price INT, channel STRING, item ROW<name STRING, kind INT>,
  ts TIMESTAMP(3), opened DATE,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json',
  'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE sums (auction BIGINT, total BIGINT, who VARCHAR(20)) WITH ('connector' = 'print');
CREATE VIEW pairs AS SELECT l.auction, l.ts FROM bids l LEFT JOIN bids r
  ON l.auction = r.auction AND r.ts BETWEEN l.ts AND l.ts + INTERVAL '1' SECOND;
SELECT COUNT(*) FROM TABLE(SESSION(TABLE pairs, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
