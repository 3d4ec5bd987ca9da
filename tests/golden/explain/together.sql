-- One exchange for both windows: rows of an auction lie in one task, and the second one groups by it, too.
SET 'pipeline.name' = 'together';
SET 'parallelism.default' = '4';
CREATE TABLE bids (auction BIGINT, bidder STRING, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'properties.bootstrap.servers' = 'h:1');
CREATE TABLE busiest (item BIGINT, window_end TIMESTAMP(3), most BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'busiest', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1');
CREATE VIEW per_auction AS
SELECT auction AS item, window_time AS ended, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY auction, window_start, window_end, window_time;
INSERT INTO busiest SELECT item, window_end, MAX(n) FROM TABLE(TUMBLE(TABLE per_auction, DESCRIPTOR(ended), INTERVAL '1' HOUR))
GROUP BY item, window_start, window_end;
