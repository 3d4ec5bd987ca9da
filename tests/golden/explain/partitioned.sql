-- A key that holds the columns its topic is partitioned by: one task per partition.
SET 'execution.guarantee' = 'at-least-once';
SET 'execution.checkpointing.interval' = '100 ms';
CREATE TABLE bids (auction BIGINT, bidder STRING, price DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json', 'partitioned-by' = 'auction',
    'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'latest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE hot (auction BIGINT, w TIMESTAMP(3), bidders BIGINT, top STRING)
WITH ('connector' = 'kafka', 'topic' = 'hot', 'format' = 'json', 'properties.bootstrap.servers' = 'localhost:9092');
CREATE TABLE nothing (auction BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO hot
SELECT auction, window_end, COUNT(DISTINCT bidder), MAX(bidder)
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND, INTERVAL '1' SECOND))
GROUP BY auction, window_start, window_end;
INSERT INTO nothing SELECT auction FROM bids;
