-- Sessions by key with everything a session can hold, and the global one of windows.
CREATE TABLE clicks (who STRING, page STRING, cost DECIMAL(10, 2), ts TIMESTAMP_LTZ(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset',
  'properties.bootstrap.servers' = 'localhost:9092');

CREATE VIEW visits AS
SELECT who, window_start AS began, window_time AS ended, COUNT(*) AS clicks, SUM(cost) AS cost, MIN(page) AS first_page,
       COUNT(DISTINCT page) FILTER (WHERE cost > 0) AS dear_pages
FROM TABLE(SESSION(TABLE clicks PARTITION BY who, DESCRIPTOR(ts), INTERVAL '30' MINUTE))
WHERE who <> 'robot'
GROUP BY who, window_start, window_end, window_time;

SELECT * FROM visits;
SELECT who, window_end FROM visits$late;
SELECT window_start, window_end, SUM(clicks)
FROM SESSION(DATA => TABLE visits, TIMECOL => DESCRIPTOR(ended), GAP => INTERVAL '1' HOUR)
GROUP BY window_start, window_end;
