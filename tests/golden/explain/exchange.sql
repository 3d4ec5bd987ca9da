-- Three stages: groups by key behind an exchange, one task for what has no key, and sessions beside them.
SET 'pipeline.name' = 'sums';
SET 'parallelism.default' = '4';
CREATE TABLE bids (auction BIGINT, bidder STRING, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'properties.bootstrap.servers' = 'h:1');
CREATE TABLE top (window_end TIMESTAMP(3), most BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'top', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1');
CREATE TABLE visits (bidder STRING, since TIMESTAMP(3), n BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1');
CREATE VIEW per_auction AS
SELECT auction, window_time AS ended, COUNT(*) AS n, SUM(price) FILTER (WHERE price > 10) AS revenue
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY auction, window_start, window_end, window_time;
EXECUTE STATEMENT SET BEGIN
INSERT INTO top SELECT window_end, MAX(n) FROM TABLE(TUMBLE(TABLE per_auction, DESCRIPTOR(ended), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
INSERT INTO visits SELECT bidder, window_start, COUNT(*) FROM TABLE(SESSION(TABLE bids PARTITION BY bidder, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY bidder, window_start, window_end;
END;
